import { readFileSync } from "node:fs";
import { createProbes, type Probe, runProbe } from "@ringrift/probes";
import { sleep } from "../timed.ts";

/**
 * One sample a time of all checks of the host but the GPUs', in a process of its own as the agent is. Warm: one after the
 * other. Cold: with pauses in which the processor's caches get other work, as between an agent's runs. Each check by itself:
 * the same many times. Prints JSON. An argument is a folder in place of /proc.
 */
const samples = 20;
const warmUp = 100;
const pauseMs = 200;
const runsOfEach = 200;

const [, , procRoot] = process.argv;
const nowSeconds = (): number => Date.now() / 1000;
const probes = createProbes({
  nvidiaSmi: "nvidia-smi",
  expectedGpus: null,
  nowSeconds,
  ...(procRoot === undefined ? {} : { procRoot }),
}).filter(({ name }) => !["gpu", "gpu-memory", "xid", "kernel-log"].includes(name));

async function sample(): Promise<number> {
  const before = process.cpuUsage();
  for (const probe of probes) await runProbe(probe, nowSeconds);
  return milliseconds(process.cpuUsage(before));
}

/** Many runs together, since to ask for the time once costs as much as a small check. */
async function costOf(
  probe: Probe,
): Promise<{ readonly check: string; readonly ms: number; readonly systemMs: number }> {
  const before = process.cpuUsage();
  for (let run = 0; run < runsOfEach; run += 1) await runProbe(probe, nowSeconds);
  const used = process.cpuUsage(before);
  return {
    check: probe.name,
    ms: milliseconds(used) / runsOfEach,
    systemMs: used.system / 1000 / runsOfEach,
  };
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Page faults of children that were waited for: any child at all has some. */
function childFaults(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[8]) + Number(fields[10]);
}

const faultsBefore = childFaults();
for (let run = 0; run < warmUp; run += 1) await sample();
const warmMs: number[] = [];
for (let run = 0; run < samples; run += 1) warmMs.push(await sample());
const coldMs: number[] = [];
for (let run = 0; run < samples; run += 1) {
  await sleep(pauseMs);
  coldMs.push(await sample());
}
const checks = [];
for (const probe of probes) checks.push(await costOf(probe));
const children = childFaults() > faultsBefore;
console.log(JSON.stringify({ warmMs, coldMs, children, checks }));
