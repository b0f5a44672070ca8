import { join } from "node:path";
import { type Judgement, percent } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import { sampler } from "./sample.ts";

/** Time since boot in ticks, summed over all cores. */
export interface CpuTimes {
  readonly busyTicks: number;
  readonly stealTicks: number;
  readonly totalTicks: number;
  readonly cores: number;
}

/** @throws ProbeError when the text is not a /proc/stat. */
export function parseCpuTimes(text: string): CpuTimes {
  const lines = text.split("\n");
  const [label, ...fields] = fieldsOf(lines.find((line) => line.startsWith("cpu ")) ?? "");
  // user nice system idle iowait irq softirq steal; guest time is already in user and nice.
  const ticks = fields.slice(0, 8).map(parseCount);
  const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
  const known = [user, nice, system, idle, iowait, irq, softirq, steal];
  const cores = lines.filter((line) => /^cpu\d+ /.test(line)).length;
  if (label !== "cpu" || cores === 0 || known.some((value) => typeof value !== "number")) {
    throw badInput("/proc/stat", "a `cpu` line of at least four numbers, then a line per core");
  }
  const totalTicks = sum(known);
  return { busyTicks: totalTicks - sum([idle, iowait]), stealTicks: steal ?? 0, totalTicks, cores };
}

function sum(values: readonly (number | null | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** Share of time that cores worked between two samples, 0-1; null when no time passed or the counters went back. */
export function cpuUtilization(before: CpuTimes, after: CpuTimes): number | null {
  return share(after.busyTicks - before.busyTicks, after.totalTicks - before.totalTicks);
}

function share(part: number, whole: number): number | null {
  return whole > 0 && part >= 0 ? Math.min(1, part / whole) : null;
}

/** A busy processor is doing its work, so no utilisation is ill; only an unmeasured one is unknown. */
export function judgeCpu(before: CpuTimes, after: CpuTimes): Judgement {
  const utilization = cpuUtilization(before, after);
  const steal = share(after.stealTicks - before.stealTicks, after.totalTicks - before.totalTicks);
  const measures = [
    { name: "cpu_utilization_ratio", value: utilization },
    { name: "cpu_steal_ratio", value: steal },
    { name: "cpu_cores", value: after.cores },
  ];
  const details = { cores: after.cores, utilizationRatio: utilization, stealRatio: steal };
  if (utilization === null) {
    return {
      state: "unknown",
      reason: "CPU counters did not move forward between two readings",
      details,
      measures,
    };
  }
  return {
    state: "healthy",
    reason: `${percent(utilization)} of ${after.cores} cores busy`,
    details,
    measures,
  };
}

export function createCpuProbe(procRoot: string, nowSeconds: () => number): Probe {
  const read = sampler(async (signal) =>
    parseCpuTimes(await requireKernelFile(join(procRoot, "stat"), signal)),
  );
  return hostProbe(
    {
      name: "cpu",
      title: "CPU",
      reads: "/proc/stat, twice: how much of the cores' time was work",
      intervalSeconds: 10,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unknown",
          when: "the counters did not move between two readings",
          advice: "Look at /proc/stat twice; a copied tree or a frozen container stands still.",
        },
        { state: "healthy", when: "always else: a busy processor does its work", advice: "Nothing." },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        const { before, after } = await read(signal);
        return {
          judgement: judgeCpu(before, after),
          resources: { cpuCores: after.cores, cpuUtilizationRatio: cpuUtilization(before, after) },
        };
      },
    },
    nowSeconds,
  );
}
