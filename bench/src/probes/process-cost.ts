import { readdirSync, readFileSync } from "node:fs";

/** What a running process has cost so far. */
interface ProcessCost {
  /** CPU time of its threads and of the children it has waited for, seconds. */
  readonly cpuSeconds: number;
  readonly rssMebibytes: number;
}

const ticksPerSecond = 100;

/** Reads /proc: run time by thread in nanoseconds, since ticks of 10 ms say nothing of an idle process. */
export function processCost(pid: number): ProcessCost {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  const childTicks = Number(stat[13]) + Number(stat[14]);
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    cpuSeconds: nanoseconds / 1e9 + childTicks / ticksPerSecond,
    rssMebibytes: Number(kibibytes) / 1024,
  };
}
