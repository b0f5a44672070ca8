import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { errorText, type SignalState, worstSignal } from "@ringrift/protocol";
import { byteText, type Judgement, type Measure, percent } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import type { Probe } from "../probe.ts";
import { remember, type SpaceHistory, secondsUntilFull } from "./fill-rate.ts";
import { hostProbe } from "./host-probe.ts";
import { type Mount, parseMounts } from "./mounts.ts";

/** Space and inodes of one filesystem. `inodes` is null where the filesystem has no fixed number of them. */
export interface Space {
  readonly totalBytes: number;
  /** What an unprivileged program can still write. */
  readonly availableBytes: number;
  readonly inodes: { readonly total: number; readonly free: number } | null;
}

type MountAnswer =
  | { readonly kind: "space"; readonly space: Space }
  | { readonly kind: "hung"; readonly afterSeconds: number }
  | { readonly kind: "failed"; readonly reason: string };

export interface CheckedMount {
  readonly mount: Mount;
  readonly answer: MountAnswer;
  /** At the rate of the last hour; null while it does not fill up, or too little is known. */
  readonly fullInSeconds?: number | null;
}

interface Verdict {
  readonly state: SignalState;
  readonly reason: string;
}

const low = { ratio: 0.1, bytes: 20 * 1024 ** 3 };
const nearlyFull = { ratio: 0.03, bytes: 2 * 1024 ** 3 };
const lowInodeRatio = 0.05;
/** Time in which a person can still free space. */
const soonSeconds = 4 * 3600;

/** Judges every mount on its own; the worst one is the probe's state. `skipped`: mounts beyond the bound. */
export function judgeDisks(checked: readonly CheckedMount[], skipped = 0): Judgement {
  if (checked.length === 0) {
    return { state: "not_applicable", reason: "no block filesystem is mounted here" };
  }
  const verdicts = checked.map((each) => ({ ...each, ...judgeMount(each) }));
  const state = worstSignal(verdicts.map((verdict) => verdict.state));
  const bad = verdicts.filter((verdict) => verdict.state !== "healthy");
  return {
    state,
    reason:
      bad.length === 0
        ? `${checked.length} ${checked.length === 1 ? "filesystem has" : "filesystems have"} room`
        : bad.map((verdict) => `${verdict.mount.mountPoint}: ${verdict.reason}`).join("; "),
    ...(bad.length === 0 ? {} : { action: actionFor(bad.map(({ mount, answer }) => ({ mount, answer }))) }),
    details: {
      skipped,
      mounts: verdicts.map((verdict) => ({ ...verdict.mount, state: verdict.state, reason: verdict.reason })),
    },
    measures: checked.flatMap(measuresOf),
  };
}

function judgeMount({ mount, answer, fullInSeconds = null }: CheckedMount): Verdict {
  if (answer.kind === "hung") {
    return { state: "unhealthy", reason: `does not answer (statfs hangs for ${answer.afterSeconds} s)` };
  }
  if (answer.kind === "failed") return { state: "unknown", reason: answer.reason };
  if (mount.kernelReadOnly) {
    return { state: "unhealthy", reason: "made read-only by the kernel after an error" };
  }
  const { totalBytes, availableBytes, inodes } = answer.space;
  if (totalBytes <= 0) return { state: "unknown", reason: "reports no size" };
  const ratio = availableBytes / totalBytes;
  const room = `${byteText(availableBytes)} of ${byteText(totalBytes)} available (${percent(ratio)})`;
  if (mount.readOnly) return { state: "healthy", reason: `mounted read-only; ${room}` };
  // A big disk at 9 % still has room for days, so both the share and the amount must be low.
  if (ratio < nearlyFull.ratio && availableBytes < nearlyFull.bytes)
    return { state: "unhealthy", reason: room };
  if (ratio < low.ratio && availableBytes < low.bytes) return { state: "degraded", reason: room };
  if (inodes !== null && inodes.free === 0) return { state: "unhealthy", reason: "no inodes left" };
  if (inodes !== null && inodes.free / inodes.total < lowInodeRatio) {
    return { state: "degraded", reason: `${inodes.free} of ${inodes.total} inodes free` };
  }
  if (fullInSeconds !== null && fullInSeconds < soonSeconds) {
    return {
      state: "degraded",
      reason: `full in ${(fullInSeconds / 3600).toFixed(1)} h at this rate; ${room}`,
    };
  }
  return { state: "healthy", reason: room };
}

function actionFor(bad: readonly CheckedMount[]): string {
  if (bad.some(({ answer }) => answer.kind === "hung"))
    return "Look at the disk: dmesg | grep -i 'blk\\|I/O error\\|nvme'.";
  if (bad.some(({ mount }) => mount.kernelReadOnly))
    return "Move jobs away, read dmesg for I/O errors, then fsck.";
  return "Free space or inodes (du -xh --max-depth=2, df -i); old checkpoints are the usual cause.";
}

function measuresOf({ mount, answer, fullInSeconds = null }: CheckedMount): Measure[] {
  const labels = { mount: mount.mountPoint, device: mount.device };
  const space = answer.kind === "space" ? answer.space : null;
  const noInodes = space !== null && space.inodes === null ? { absence: "not_applicable" as const } : {};
  return [
    { name: "filesystem_size_bytes", labels, value: space?.totalBytes ?? null },
    { name: "filesystem_available_bytes", labels, value: space?.availableBytes ?? null },
    { name: "filesystem_inodes", labels, value: space?.inodes?.total ?? null, ...noInodes },
    { name: "filesystem_inodes_free", labels, value: space?.inodes?.free ?? null, ...noInodes },
    { name: "filesystem_full_in_seconds", labels, value: fullInSeconds, absence: "not_applicable" },
    { name: "filesystem_read_only", labels, value: mount.readOnly ? 1 : 0 },
  ];
}

export type ReadSpace = (mountPoint: string) => Promise<Space>;

const mountTimeoutMs = 2000;
/** Calls that hang hold threads of Node's pool of four, so no new mount is asked while this many hang. */
const maxHungCalls = 2;
const maxMounts = 200;

/** Asks one mount after another; one that hung is not asked again until its call comes back. */
export function mountAsker(
  readSpace: ReadSpace,
  nowSeconds: () => number,
): (mount: Mount) => Promise<CheckedMount> {
  const hungSince = new Map<string, number>();
  return async (mount) => {
    const since = hungSince.get(mount.mountPoint);
    if (since !== undefined) {
      return { mount, answer: { kind: "hung", afterSeconds: Math.max(0, Math.round(nowSeconds() - since)) } };
    }
    if (hungSince.size >= maxHungCalls) {
      return { mount, answer: { kind: "failed", reason: "not asked, since other mounts hang" } };
    }
    hungSince.set(mount.mountPoint, nowSeconds());
    const call = readSpace(mount.mountPoint)
      .then<MountAnswer, MountAnswer>(
        (space) => ({ kind: "space", space }),
        (error: unknown) => ({ kind: "failed", reason: errorText(error) }),
      )
      .finally(() => hungSince.delete(mount.mountPoint));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<MountAnswer>((resolve) => {
      timer = setTimeout(
        () => resolve({ kind: "hung", afterSeconds: mountTimeoutMs / 1000 }),
        mountTimeoutMs,
      );
    });
    const answer = await Promise.race([call, timeout]);
    clearTimeout(timer);
    return { mount, answer };
  };
}

async function readSpaceOf(mountPoint: string): Promise<Space> {
  const stats = await statfs(mountPoint);
  return {
    totalBytes: stats.blocks * stats.bsize,
    availableBytes: stats.bavail * stats.bsize,
    inodes: stats.files > 0 ? { total: stats.files, free: stats.ffree } : null,
  };
}

export function createDisksProbe(
  procRoot: string,
  nowSeconds: () => number,
  readSpace: ReadSpace = readSpaceOf,
): Probe {
  const ask = mountAsker(readSpace, nowSeconds);
  let mountText = "";
  let mounts: readonly Mount[] = [];
  let histories: ReadonlyMap<string, SpaceHistory> = new Map();
  /** The answer with its forecast; a mount that gives no answer keeps its past. */
  function forecast({ mount, answer }: CheckedMount, kept: Map<string, SpaceHistory>): CheckedMount {
    const past = histories.get(mount.device) ?? [];
    const history =
      answer.kind === "space"
        ? remember(past, { atSeconds: nowSeconds(), availableBytes: answer.space.availableBytes })
        : past;
    kept.set(mount.device, history);
    return { mount, answer, fullInSeconds: mount.readOnly ? null : secondsUntilFull(history) };
  }
  return hostProbe(
    {
      name: "disks",
      title: "Disks",
      reads: "/proc/self/mountinfo and statfs of each block filesystem: space, inodes, read-only",
      intervalSeconds: 60,
      timeoutSeconds: 20,
      rules: [
        {
          state: "unhealthy",
          when: "a file system does not answer, or was made read-only by the kernel",
          advice: "Move jobs away, read dmesg for I/O errors, then fsck.",
        },
        {
          state: "unhealthy",
          when: `under ${percent(nearlyFull.ratio)} and ${byteText(nearlyFull.bytes)} are left, or no inode`,
          advice: "Free space or inodes; old checkpoints are the usual cause.",
        },
        {
          state: "degraded",
          when: `under ${percent(low.ratio)} and ${byteText(low.bytes)} are left, or under ${percent(lowInodeRatio)} of inodes`,
          advice: "Free space or inodes (du -xh --max-depth=2, df -i).",
        },
        {
          state: "degraded",
          when: `at the rate of the last hour it is full within ${soonSeconds / 3600} hours`,
          advice: "Find what writes (du, lsof +D) and free space before it is full.",
        },
        {
          state: "unknown",
          when: "a file system's size cannot be asked",
          advice: "Look at its reason; a container may not see the mount.",
        },
        { state: "not_applicable", when: "no block file system is mounted here", advice: "Nothing." },
      ],
      cost: "0.1 ms, and as much a mount for its call in a thread",
      async check(signal) {
        const text = await requireKernelFile(join(procRoot, "self/mountinfo"), signal);
        if (text !== mountText) mounts = parseMounts(text);
        mountText = text;
        const checked: CheckedMount[] = [];
        const kept = new Map<string, SpaceHistory>();
        for (const mount of mounts.slice(0, maxMounts)) {
          signal.throwIfAborted();
          checked.push(forecast(await ask(mount), kept));
        }
        histories = kept;
        return { judgement: judgeDisks(checked, mounts.length - checked.length) };
      },
    },
    nowSeconds,
  );
}
