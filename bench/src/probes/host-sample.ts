import { readFileSync } from "node:fs";
import { createProbes, runProbe } from "@ringrift/probes";
import { sleep } from "../timed.ts";

/**
 * One sample a time of all checks of the host but the GPUs', in a process of its own as the agent is: warm, and with
 * pauses, so that the processor's caches have other work between two samples. Prints JSON.
 */
const samples = 20;
const warmUp = 10;
const pauseMs = 100;

const nowSeconds = (): number => Date.now() / 1000;
const probes = createProbes({ nvidiaSmi: "nvidia-smi", expectedGpus: null, nowSeconds }).filter(
  ({ name }) => name !== "gpu",
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
const cpuMs: number[] = [];
for (let run = 0; run < warmUp + samples; run += 1) {
  const ms = await sample();
  if (run >= warmUp) cpuMs.push(ms);
  await sleep(pauseMs);
}
const children = childFaults() > faultsBefore;
console.log(JSON.stringify({ cpuMs, children, checks: probes.map(({ name }) => name) }));
