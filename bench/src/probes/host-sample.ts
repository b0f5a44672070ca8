import { readFileSync } from "node:fs";
import { createProbes, runProbe } from "@ringrift/probes";
import { sleep } from "../timed.ts";

/**
 * One sample a time of all checks of the host but the GPUs', in a process of its own as the agent is. Warm: one after the
 * other. Cold: with pauses in which the processor's caches get other work, as between an agent's runs. Prints JSON.
 */
const samples = 20;
const warmUp = 100;
const pauseMs = 200;

const nowSeconds = (): number => Date.now() / 1000;
const probes = createProbes({ nvidiaSmi: "nvidia-smi", expectedGpus: null, nowSeconds }).filter(
  ({ name }) => !["gpu", "gpu-memory", "xid", "kernel-log"].includes(name),
);

async function sample(): Promise<number> {
  const before = process.cpuUsage();
  for (const probe of probes) await runProbe(probe, nowSeconds);
  const { user, system } = process.cpuUsage(before);
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
const children = childFaults() > faultsBefore;
console.log(JSON.stringify({ warmMs, coldMs, children, checks: probes.map(({ name }) => name) }));
