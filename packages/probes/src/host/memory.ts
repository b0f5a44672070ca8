import { join } from "node:path";
import { byteText, type Judgement, percent } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";

const lowAvailableRatio = 0.05;
const exhaustedAvailableRatio = 0.02;

/** The fields of /proc/meminfo that are judged, in bytes; a line without a plain number is left out. */
export type MemoryInfo = ReadonlyMap<string, number>;

const judged = /^(MemTotal|MemAvailable|SwapTotal|SwapFree):[ \t]+(\d+)( kB)?[ \t]*$/gm;

export function parseMemoryInfo(text: string): MemoryInfo {
  const info = new Map<string, number>();
  for (const [, name = "", digits, unit] of text.matchAll(judged)) {
    const value = parseCount(digits);
    if (value !== null) info.set(name, unit === undefined ? value : value * 1024);
  }
  return info;
}

/**
 * Judges MemAvailable: what programs can still get. "Free" is near nothing on any host that has read files, and says
 * nothing about shortage.
 * @throws ProbeError when MemTotal is missing.
 */
export function judgeMemory(info: MemoryInfo): Judgement {
  const total = info.get("MemTotal");
  const available = info.get("MemAvailable");
  if (total === undefined || total <= 0) throw badInput("/proc/meminfo", "a MemTotal line above zero");
  const measures = [
    { name: "memory_total_bytes", value: total },
    { name: "memory_available_bytes", value: available ?? null },
  ];
  if (available === undefined) {
    return {
      state: "unknown",
      reason: "/proc/meminfo has no MemAvailable line (kernels before 3.14)",
      details: { totalBytes: total },
      measures,
    };
  }
  const ratio = Math.min(1, available / total);
  const state =
    ratio < exhaustedAvailableRatio ? "unhealthy" : ratio < lowAvailableRatio ? "degraded" : "healthy";
  return {
    state,
    reason: `${byteText(available)} of ${byteText(total)} available (${percent(ratio)})`,
    ...(state === "healthy"
      ? {}
      : {
          action:
            "Find the largest processes (ps -eo rss,pid,cmd --sort=-rss | head) before the OOM killer does.",
        }),
    details: { totalBytes: total, availableBytes: available, availableRatio: ratio },
    measures,
  };
}

/** Share of memory that is not available, 0-1; null when unknown. */
export function memoryUsedRatio(info: MemoryInfo): number | null {
  const total = info.get("MemTotal");
  const available = info.get("MemAvailable");
  if (total === undefined || total <= 0 || available === undefined) return null;
  return Math.min(1, Math.max(0, 1 - available / total));
}

export function createMemoryProbe(procRoot: string, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "memory",
      title: "Memory",
      reads: "/proc/meminfo: MemAvailable of MemTotal",
      intervalSeconds: 10,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unhealthy",
          when: `under ${percent(exhaustedAvailableRatio)} of memory is available`,
          advice: "Find the largest processes before the OOM killer does.",
        },
        {
          state: "degraded",
          when: `under ${percent(lowAvailableRatio)} of memory is available`,
          advice: "Find the largest processes (ps -eo rss,pid,cmd --sort=-rss | head).",
        },
        {
          state: "unknown",
          when: "the kernel does not say what is available (before 3.14)",
          advice: "Update the kernel.",
        },
      ],
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        const info = parseMemoryInfo(await requireKernelFile(join(procRoot, "meminfo"), signal));
        return { judgement: judgeMemory(info), resources: { memoryUsedRatio: memoryUsedRatio(info) } };
      },
    },
    nowSeconds,
  );
}
