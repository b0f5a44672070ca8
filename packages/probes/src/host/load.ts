import { join } from "node:path";
import type { Judgement } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount, parseDecimal } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { parseCpuTimes } from "./cpu.ts";
import { hostProbe } from "./host-probe.ts";

export interface Load {
  readonly load1: number;
  readonly load5: number;
  readonly load15: number;
  readonly runnable: number;
  readonly tasks: number;
}

/** Waiting tasks per core, over 15 minutes, from which a host no longer keeps up with anything. */
const overwhelmedPerCore = 10;

/** @throws ProbeError when the text is not a /proc/loadavg. */
export function parseLoad(text: string): Load {
  const [one, five, fifteen, counts = ""] = fieldsOf(text);
  const [runnable, tasks] = counts.split("/").map(parseCount);
  const [load1, load5, load15] = [one, five, fifteen].map(parseDecimal);
  const values = [load1, load5, load15, runnable, tasks];
  if (values.some((value) => typeof value !== "number" || value < 0)) {
    throw badInput("/proc/loadavg", "three averages, then running/total tasks");
  }
  return {
    load1: load1 ?? 0,
    load5: load5 ?? 0,
    load15: load15 ?? 0,
    runnable: runnable ?? 0,
    tasks: tasks ?? 0,
  };
}

/** High load alone is work; only a queue that no host works off is degraded. */
export function judgeLoad(load: Load, cores: number): Judgement {
  const perCore = load.load15 / cores;
  const overwhelmed = perCore > overwhelmedPerCore;
  const averages = `${load.load1} / ${load.load5} / ${load.load15} over 1 / 5 / 15 min on ${cores} cores`;
  return {
    state: overwhelmed ? "degraded" : "healthy",
    reason: overwhelmed ? `more than ${overwhelmedPerCore} waiting tasks per core: ${averages}` : averages,
    ...(overwhelmed
      ? {
          action:
            "See which processes wait (ps -eo state,pid,cmd | grep '^[DR]'): stuck I/O is the usual cause.",
        }
      : {}),
    details: { ...load, cores, load15PerCore: perCore },
    measures: [
      { name: "load_average", labels: { minutes: "1" }, value: load.load1 },
      { name: "load_average", labels: { minutes: "5" }, value: load.load5 },
      { name: "load_average", labels: { minutes: "15" }, value: load.load15 },
    ],
  };
}

export function createLoadProbe(procRoot: string, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "load",
      title: "Load",
      reads: "/proc/loadavg: tasks that run or wait",
      intervalSeconds: 15,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `over ${overwhelmedPerCore} waiting tasks per core, over 15 minutes`,
          advice: "Find what waits (ps -eo state,pid,cmd | grep '^[RD]') and move jobs away.",
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        const load = parseLoad(await requireKernelFile(join(procRoot, "loadavg"), signal));
        const { cores } = parseCpuTimes(await requireKernelFile(join(procRoot, "stat"), signal));
        return { judgement: judgeLoad(load, cores) };
      },
    },
    nowSeconds,
  );
}
