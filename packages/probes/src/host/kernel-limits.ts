import { join } from "node:path";
import { type Judgement, percent } from "../judgement.ts";
import { readKernelFile, requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";

/** How much is in use of what the kernel gives to all processes together. */
export interface LimitUse {
  readonly used: number;
  readonly limit: number;
}

/** Shares of a limit above which it is scarce, and above which what asks for more is about to be refused. */
const scarce = 0.8;
const nearlyNone = 0.95;

interface LimitCheck extends Pick<Probe, "name" | "title" | "reads"> {
  /** What is counted, after its number. */
  readonly things: string;
  readonly reading: string;
  readonly nearlyNoneAdvice: string;
  readonly scarceAdvice: string;
  /** Null where the kernel has no such limit. */
  read(signal: AbortSignal): Promise<LimitUse | null>;
}

export function judgeLimit(
  use: LimitUse | null,
  check: Pick<LimitCheck, "things" | "reading" | "nearlyNoneAdvice" | "scarceAdvice">,
): Judgement {
  if (use === null) return { state: "not_applicable", reason: `the kernel counts no ${check.things} here` };
  const { used, limit } = use;
  const ratio = used / limit;
  const state = ratio > nearlyNone ? "unhealthy" : ratio > scarce ? "degraded" : "healthy";
  const advice = state === "unhealthy" ? check.nearlyNoneAdvice : check.scarceAdvice;
  return {
    state,
    // The limit of a large host is a number that nobody reads.
    reason: `${used} ${check.things}${state === "healthy" ? "" : ` of at most ${limit} (${percent(ratio)})`}`,
    ...(state === "healthy" ? {} : { action: advice }),
    details: { used, limit },
    measures: [
      { name: check.reading, value: used },
      { name: `${check.reading}_limit`, value: limit },
    ],
  };
}

function limitProbe(check: LimitCheck, nowSeconds: () => number): Probe {
  const { name, title, reads } = check;
  return hostProbe(
    {
      name,
      title,
      reads,
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unhealthy",
          when: `over ${percent(nearlyNone)} of the limit are in use`,
          advice: check.nearlyNoneAdvice,
        },
        {
          state: "degraded",
          when: `over ${percent(scarce)} of the limit are in use`,
          advice: check.scarceAdvice,
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        return { judgement: judgeLimit(await check.read(signal), check) };
      },
    },
    nowSeconds,
  );
}

/** @throws ProbeError when the text is not a /proc/sys/fs/file-nr. */
export function parseOpenFiles(text: string): LimitUse {
  const [allocated, unused, limit] = fieldsOf(text).map(parseCount);
  if (typeof allocated !== "number" || typeof unused !== "number" || typeof limit !== "number" || limit <= 0)
    throw badInput("/proc/sys/fs/file-nr", "three numbers: allocated, unused, limit");
  return { used: Math.max(0, allocated - unused), limit };
}

/** Null is a file that is not there, as without the kernel's module. @throws ProbeError when a text is no number. */
export function parseConntrack(countText: string | null, limitText: string | null): LimitUse | null {
  if (countText === null || limitText === null) return null;
  const used = parseCount(countText.trim());
  const limit = parseCount(limitText.trim());
  if (used === null || limit === null || limit === 0)
    throw badInput(
      "/proc/sys/net/netfilter/nf_conntrack_count and _max",
      "one number each, the limit above zero",
    );
  return { used, limit };
}

export function createFilesProbe(procRoot: string, nowSeconds: () => number): Probe {
  return limitProbe(
    {
      name: "files",
      title: "Open files",
      reads: "/proc/sys/fs/file-nr: files open on the whole host, of the kernel's limit",
      things: "open files",
      reading: "open_files",
      nearlyNoneAdvice:
        "Find who holds them (lsof | awk '{print $1}' | sort | uniq -c | sort -n) and restart it.",
      scarceAdvice: "Find who holds them with lsof, or raise fs.file-max.",
      read: async (signal) =>
        parseOpenFiles(await requireKernelFile(join(procRoot, "sys/fs/file-nr"), signal)),
    },
    nowSeconds,
  );
}

export function createConntrackProbe(procRoot: string, nowSeconds: () => number): Probe {
  const folder = join(procRoot, "sys/net/netfilter");
  return limitProbe(
    {
      name: "conntrack",
      title: "Connection tracking",
      reads:
        "/proc/sys/net/netfilter/nf_conntrack_count and nf_conntrack_max: entries of the firewall's table",
      things: "tracked connections",
      reading: "conntrack_entries",
      nearlyNoneAdvice:
        "New connections are about to be dropped: raise net.netfilter.nf_conntrack_max, or find who opens them (ss -s).",
      scarceAdvice: "Find who opens so many connections (ss -s).",
      read: async (signal) =>
        parseConntrack(
          await readKernelFile(join(folder, "nf_conntrack_count"), signal),
          await readKernelFile(join(folder, "nf_conntrack_max"), signal),
        ),
    },
    nowSeconds,
  );
}
