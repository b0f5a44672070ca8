import { readFileSync } from "node:fs";
import { currentLoad, disksIO, fsSize, mem, networkStats, processes } from "systeminformation";

// The peer of host-sample.ts: what a host agent would ask of the systeminformation library, children's CPU time included.
// Prints JSON.

const samples = 10;
const ticksPerSecond = 100;

async function sample(): Promise<void> {
  await currentLoad();
  await mem();
  await fsSize();
  await disksIO();
  await networkStats();
  await processes();
}

/** CPU time of children that were waited for, in milliseconds. */
function childrenMs(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[13]) + Number(fields[14])) * 1000) / ticksPerSecond;
}

await sample();
const from = { own: process.cpuUsage(), children: childrenMs() };
for (let run = 0; run < samples; run += 1) await sample();
const { user, system } = process.cpuUsage(from.own);
console.log(JSON.stringify({ meanMs: ((user + system) / 1000 + childrenMs() - from.children) / samples }));
