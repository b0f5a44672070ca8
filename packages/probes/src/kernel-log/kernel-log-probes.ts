import { toReport } from "../judgement.ts";
import type { GpuRoster } from "../nvidia/gpu-roster.ts";
import { readGpuHardware } from "../nvidia/pci-devices.ts";
import type { Probe, ProbeOutcome } from "../probe.ts";
import { judgeKernelLog, judgeXids, type KernelLogExpectation } from "./core/judge-kernel-log.ts";
import { createKernelLog, type KernelLogView } from "./kernel-log.ts";

export interface KernelLogProbesOptions {
  readonly log: string | null;
  readonly memoryFile: string | null;
  readonly expectedGpus: number | null;
  readonly roster: GpuRoster;
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly nowSeconds: () => number;
  readonly journalctl?: string;
}

const intervalSeconds = 30;
const timeoutSeconds = 5;
/** More lines of what is known already are told no sooner than this. */
const recountSeconds = 5;

/** The two checks that the kernel log feeds: errors of GPUs, and faults of everything else. */
export function createKernelLogProbes(options: KernelLogProbesOptions): Probe[] {
  const { roster, procRoot, sysRoot, nowSeconds } = options;
  const log = createKernelLog(options);
  let hasGpus = (options.expectedGpus ?? 0) > 0;

  const expected = (): KernelLogExpectation => ({ logWanted: options.log !== null, gpus: hasGpus });
  async function lookForGpus(signal: AbortSignal): Promise<void> {
    if (hasGpus) return;
    const { pciGpus, driverLoaded } = await readGpuHardware(procRoot, sysRoot, signal);
    hasGpus = driverLoaded || (pciGpus?.length ?? 0) > 0;
  }

  const xid = watching({
    name: "xid",
    title: "GPU errors in the kernel log",
    reads: "kernel log: Xid and SXid lines of the NVIDIA driver",
    rules: [
      {
        state: "unhealthy",
        when: "a GPU had an error that calls for a reset, a reboot or an inspection",
        advice: "What the error's own entry says; see the check's reason.",
      },
      {
        state: "degraded",
        when: "a GPU had an error that an application may have caused",
        advice: "Look at the job that ran on it.",
      },
      {
        state: "unknown",
        when: "GPUs are here and the kernel log cannot be read",
        advice: "Let the agent's user read /dev/kmsg.",
      },
    ],
    prepare: lookForGpus,
    newsOf: ({ faults }) => faults.news.gpu + roster.changes,
    countOf: ({ faults }) => faults.counted.gpu,
    judge: (view) => {
      const now = nowSeconds();
      return { judgement: judgeXids(view, expected(), roster, now), gpuErrors: view.faults.errors(now) };
    },
  });
  const host = watching({
    name: "kernel-log",
    title: "Faults of the host in the kernel log",
    reads: "kernel log: out of memory, disks, file systems, hung tasks, PCIe, links, machine checks",
    rules: [
      {
        state: "unhealthy",
        when: "the log told of a machine check, a hung task, a read-only remount or a disk's I/O errors",
        advice: "Drain the host and follow the check's advice.",
      },
      {
        state: "degraded",
        when: "the log told of out of memory, PCIe errors or links that flap",
        advice: "Follow the check's advice.",
      },
      {
        state: "unknown",
        when: "the log is there, or was asked for, and cannot be read",
        advice:
          "Give the agent CAP_SYSLOG, or add its user to the group systemd-journal and set RINGRIFT_KMSG to journald.",
      },
      {
        state: "not_applicable",
        when: "this host offers no kernel log, as a container does not, and none was asked for",
        advice: "Nothing: the host's own agent reads it.",
      },
    ],
    prepare: async () => {},
    newsOf: ({ faults }) => faults.news.host,
    countOf: ({ faults }) => faults.counted.host,
    judge: (view) => ({ judgement: judgeKernelLog(view, expected(), nowSeconds()) }),
  });
  return [xid, { ...host, close: () => log.close() }];

  function watching(parts: WatchingParts): Probe {
    const { name, title, reads, rules } = parts;
    let told = { news: 0, count: 0, at: Number.NEGATIVE_INFINITY };
    const isWorthTelling = (view: KernelLogView): boolean =>
      parts.newsOf(view) !== told.news ||
      (parts.countOf(view) !== told.count && nowSeconds() - told.at >= recountSeconds);
    const outcomeOf = (view: KernelLogView, startedAt: number): ProbeOutcome => {
      told = { news: parts.newsOf(view), count: parts.countOf(view), at: nowSeconds() };
      const { judgement, ...rest } = parts.judge(view);
      return { report: toReport(name, reads, judgement, nowSeconds(), startedAt), ...rest };
    };
    return {
      name,
      title,
      reads,
      intervalSeconds,
      timeoutSeconds,
      rules,
      cost: "microseconds a new line",
      run: async (signal) => {
        const startedAt = nowSeconds();
        await parts.prepare(signal);
        return outcomeOf(await log.poll(), startedAt);
      },
      news: async () => {
        const startedAt = nowSeconds();
        const view = await log.poll();
        return isWorthTelling(view) ? outcomeOf(view, startedAt) : null;
      },
    };
  }
}

interface WatchingParts {
  readonly name: string;
  readonly title: string;
  readonly reads: string;
  readonly rules: Probe["rules"];
  prepare(signal: AbortSignal): Promise<void>;
  newsOf(view: KernelLogView): number;
  countOf(view: KernelLogView): number;
  judge(
    view: KernelLogView,
  ): Pick<ProbeOutcome, "gpuErrors"> & { readonly judgement: ReturnType<typeof judgeXids> };
}
