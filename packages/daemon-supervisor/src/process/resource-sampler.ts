import { readFileSync } from "node:fs";
import type { ResourceUse } from "../core/resource-use.ts";
import { readStat } from "./process-stat.ts";

/** Linux tells user space of CPU time in hundredths of a second, whatever the kernel's own tick. */
const ticksPerSecond = 100;

interface CpuTime {
  readonly startTicks: number;
  readonly cpuTicks: number;
}

const pageBytes = readPageBytes();

/** Samples what the processes of one run use. */
export class ResourceSampler {
  #before: { readonly times: ReadonlyMap<number, CpuTime>; readonly at: number } | null = null;

  /** Null when none of the pids is alive. `now` is monotonic milliseconds. */
  sample(pids: readonly number[], now: number): ResourceUse | null {
    const stats = pids.flatMap((pid) => readStat(pid) ?? []);
    const before = this.#before;
    this.#before = { times: new Map(stats.map((stat) => [stat.pid, stat])), at: now };
    if (stats.length === 0) return null;
    const pages = stats.reduce((sum, stat) => sum + stat.residentPages, 0);
    return {
      memoryBytes: pages * pageBytes,
      cpuCores: before === null ? null : cores(stats, before.times, (now - before.at) / 1000),
    };
  }
}

/** Resident memory of those of the processes that are alive; null when none is. */
export function residentBytes(pids: readonly number[]): number | null {
  const stats = pids.flatMap((pid) => readStat(pid) ?? []);
  return stats.length === 0 ? null : stats.reduce((sum, stat) => sum + stat.residentPages, 0) * pageBytes;
}

/** Of a process that was not there before, all its time is new. */
function cores(
  stats: readonly (CpuTime & { readonly pid: number })[],
  before: ReadonlyMap<number, CpuTime>,
  seconds: number,
): number | null {
  if (seconds <= 0) return null;
  let ticks = 0;
  for (const { pid, startTicks, cpuTicks } of stats) {
    const old = before.get(pid);
    ticks += cpuTicks - (old?.startTicks === startTicks ? old.cpuTicks : 0);
  }
  return Math.max(0, ticks / ticksPerSecond / seconds);
}

/** The kernel's page size, AT_PAGESZ of the auxiliary vector; 64 KiB on some ARM hosts. */
function readPageBytes(): number {
  const pageSizeKey = 6n;
  try {
    const vector = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === pageSizeKey) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Without /proc there is nothing to multiply either.
  }
  return 4096;
}
