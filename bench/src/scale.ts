import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startCluster } from "@ringrift/e2e/cluster";
import { startCommand, waitFor } from "@ringrift/e2e/program";
import type { Figure } from "./figure.ts";
import { sleep } from "./timed.ts";

const agentCount = 5_000;
const settleMs = 15_000;
const measureMs = 60_000;
/** Ticks of `/proc/PID/stat` in a second, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** One server with 5,000 agents, each with a heartbeat a second and a real host's report every 10 s. */
export async function run(): Promise<Figure[]> {
  const cluster = await startCluster({ servers: 1, agents: 0, serverEnv: { RINGRIFT_LOG_LEVEL: "warn" } });
  const [server] = cluster.servers;
  if (server === undefined) throw new Error("no server was started");
  try {
    await waitFor("the server to lead", async () => ((await server.status()).cluster.leaderId ? true : null));
    const main = fileURLToPath(new URL("agent-load.ts", import.meta.url));
    const load = startCommand(
      process.execPath,
      [main, `${server.url.replace("http", "ws")}/mesh`, `${agentCount}`],
      {},
    );
    await waitFor(
      `${agentCount} agents to be connected`,
      async () => (load.output().includes("connected") ? true : null),
      240_000,
      load.output,
    );
    console.error(`  ${load.output().trim()}`);
    await sleep(settleMs);
    const from = cpuSeconds(server.program.pid);
    const at = performance.now();
    await sleep(measureMs);
    const cpu = (cpuSeconds(server.program.pid) - from) / ((performance.now() - at) / 1000);
    const residentMb = memoryMb(server.program.pid);
    const { counts } = (await server.status()).cluster;
    const suspected = (await server.events()).filter(({ name }) => name === "NODE_SUSPECT").length;
    const note = `${counts.alive - 1} of ${agentCount} alive, ${counts.suspect} suspect, ${suspected} suspected since the start`;
    return [
      { name: "server_5000_agents_cpu_cores", unit: "cores", value: cpu, note },
      { name: "server_5000_agents_rss_mb", unit: "MB", value: residentMb, note },
    ];
  } finally {
    await cluster.stop();
  }
}

/** User and system time of a process so far. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory, in units of 1,000,000 bytes. */
function memoryMb(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return (Number(match?.[1]) * 1024) / 1e6;
}
