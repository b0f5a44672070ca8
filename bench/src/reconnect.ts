import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startCluster } from "@ringrift/e2e/cluster";
import { FaultProxy } from "@ringrift/e2e/fault-proxy";
import { startCommand, waitFor } from "@ringrift/e2e/program";
import { type Figure, median } from "./figure.ts";
import { sleep } from "./timed.ts";

const agents = 1_000;
const runs = 5;

/** Three servers; every link of 1,000 agents to all of them is reset at one instant. Until each agent has all three again. */
export async function run(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-bench-"));
  const cluster = await startCluster({ servers: 3, agents: 0, serverEnv: { RINGRIFT_LOG_LEVEL: "info" } });
  const proxies: FaultProxy[] = [];
  for (const { url } of cluster.servers) {
    const proxy = new FaultProxy(Number(new URL(url).port));
    await proxy.listen();
    proxies.push(proxy);
  }
  const servers = proxies.map(({ port }) => `ws://127.0.0.1:${port}/mesh`).join(",");
  const main = fileURLToPath(new URL("mesh-agents.ts", import.meta.url));
  let wholeAt: number | null = null;
  const load = startCommand(process.execPath, [main, JSON.stringify({ servers, agents, directory })], {});
  load.onLine((line) => {
    if (line === "ready") wholeAt = performance.now();
  });
  try {
    console.error(`  ${agents} agents connect to three servers`);
    const whole = (): Promise<number> =>
      waitFor("every agent to have every link", async () => wholeAt, 240_000, load.output);
    await whole();
    await sleep(5_000);
    const reign = await leaders();
    const seconds: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      wholeAt = null;
      const from = performance.now();
      for (const proxy of proxies) proxy.reset();
      seconds.push(((await whole()) - from) / 1_000);
      console.error(`  all back after ${seconds.at(-1)?.toFixed(1)} s`);
      if ((await leaders()) !== reign) throw new Error(`the leader changed: ${reign}, ${await leaders()}`);
      await sleep(1_000);
    }
    const note = `the leader kept its lease: ${reign}`;
    return [
      { name: "reconnect_1000_agents_seconds", unit: "s", value: median(seconds), runs: seconds, note },
    ];
  } finally {
    await load.kill("SIGKILL");
    for (const proxy of proxies) await proxy.close();
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }

  /** Who leads under which epoch, as all three servers say. */
  async function leaders(): Promise<string> {
    const said = new Set<string>();
    for (const server of cluster.servers) {
      const { leaderId, epoch } = (await server.status()).cluster;
      said.add(`${leaderId} in ${epoch}`);
    }
    return [...said].join("; ");
  }
}
