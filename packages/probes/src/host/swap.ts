import { join } from "node:path";
import { byteText, type Judgement, percent } from "../judgement.ts";
import { readKernelFile, requireKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";
import { type MemoryInfo, parseMemoryInfo } from "./memory.ts";
import { sampler } from "./sample.ts";

const nearlyFullRatio = 0.95;
/** Pages moved per second, in and out together, from which a host works for its swap and not for its jobs (4 MiB/s). */
const thrashingPagesPerSecond = 1000;

export interface SwapSample {
  readonly info: MemoryInfo;
  /** Pages since boot; null where /proc/vmstat does not say. */
  readonly pages: { readonly in: number; readonly out: number } | null;
  readonly atSeconds: number;
}

export function parseSwapPages(text: string): { readonly in: number; readonly out: number } | null {
  const pagesIn = parseCount(/^pswpin (\d+)$/m.exec(text)?.[1]);
  const pagesOut = parseCount(/^pswpout (\d+)$/m.exec(text)?.[1]);
  return pagesIn === null || pagesOut === null ? null : { in: pagesIn, out: pagesOut };
}

/** Swap traffic between two samples in pages per second; null when unknown. */
function swapRate(before: SwapSample, after: SwapSample): number | null {
  const seconds = after.atSeconds - before.atSeconds;
  if (before.pages === null || after.pages === null || seconds <= 0) return null;
  const moved = after.pages.in - before.pages.in + after.pages.out - before.pages.out;
  return moved < 0 ? null : moved / seconds;
}

export function judgeSwap(before: SwapSample, after: SwapSample): Judgement {
  const total = after.info.get("SwapTotal");
  const free = after.info.get("SwapFree");
  if (total === undefined || free === undefined) {
    return { state: "unknown", reason: "/proc/meminfo has no SwapTotal and SwapFree lines" };
  }
  if (total === 0) return { state: "not_applicable", reason: "this host has no swap" };
  const used = Math.min(1, Math.max(0, (total - free) / total));
  const rate = swapRate(before, after);
  const thrashing = rate !== null && rate > thrashingPagesPerSecond;
  const nearlyFull = used > nearlyFullRatio;
  const facts = `${percent(used)} of ${byteText(total)} used`;
  return {
    state: thrashing || nearlyFull ? "degraded" : "healthy",
    reason: thrashing ? `swapping ${Math.round(rate)} pages a second, ${facts}` : facts,
    ...(thrashing || nearlyFull ? { action: "Free memory or move a job: the host is short of memory." } : {}),
    details: { totalBytes: total, freeBytes: free, usedRatio: used, pagesPerSecond: rate },
    measures: [
      { name: "swap_total_bytes", value: total },
      { name: "swap_free_bytes", value: free },
      { name: "swap_pages_per_second", value: rate },
    ],
  };
}

export function createSwapProbe(procRoot: string, nowSeconds: () => number): Probe {
  const read = sampler<SwapSample>(async (signal) => {
    const info = parseMemoryInfo(await requireKernelFile(join(procRoot, "meminfo"), signal));
    const vmstat = await readKernelFile(join(procRoot, "vmstat"), signal);
    return { info, pages: vmstat === null ? null : parseSwapPages(vmstat), atSeconds: nowSeconds() };
  });
  return hostProbe(
    {
      name: "swap",
      title: "Swap",
      reads: "/proc/meminfo (SwapFree of SwapTotal) and /proc/vmstat (pages moved)",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `over ${thrashingPagesPerSecond} pages a second are moved`,
          advice: "Free memory or move a job: the host is short of memory.",
        },
        {
          state: "degraded",
          when: `over ${percent(nearlyFullRatio)} of swap is used`,
          advice: "Free memory or move a job.",
        },
        { state: "not_applicable", when: "the host has no swap", advice: "Nothing." },
      ],
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        const { before, after } = await read(signal);
        return { judgement: judgeSwap(before, after) };
      },
    },
    nowSeconds,
  );
}
