import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "../src/agreement.ts";
import { type Cluster, freePort, type Member } from "../src/cluster.ts";
import type { Observers } from "../src/observers.ts";
import { startProgram, waitFor } from "../src/program.ts";
import { startWatchedCluster } from "../src/watched-cluster.ts";

/** Keeps the event loop of a server busy for five seconds when it is sent SIGUSR2, as a long computation would. */
const busyOnSignal = `process.on("SIGUSR2", () => { const end = performance.now() + 5000; while (performance.now() < end); })`;
const nodeOptions = `--import=data:text/javascript,${encodeURIComponent(busyOnSignal)}`;

let cluster: Cluster;
let all: readonly Member[];
let observers: Observers;
beforeAll(async () => {
  ({ cluster, all, observers } = await startWatchedCluster({
    servers: 3,
    agents: 2,
    serverEnv: { NODE_OPTIONS: nodeOptions },
  }));
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
});

const agentDowns = (): readonly string[] =>
  observers.takeDowns().filter((line) => line.includes("lists agent-"));

// The steps build on one another.
describe("three servers and two agents", { timeout: 90_000 }, () => {
  it("have another leader when the leader computes for five seconds, and it follows when it is done", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const busy = cluster.servers.find(({ id }) => id === before.id);
    const others = cluster.servers.filter((server) => server !== busy);
    busy?.program.process.kill("SIGUSR2");
    const meanwhile = await agreedLeader([...others, ...cluster.agents], others);
    expect(compareEpochs(meanwhile.epoch, before.epoch)).toBeGreaterThan(0);
    const after = await agreedLeader(all, cluster.servers);
    expect(compareEpochs(after.epoch, meanwhile.epoch)).toBeGreaterThanOrEqual(0);
    await observers.everyoneAlive();
    expect(observers.termsWithTwoLeaders()).toEqual([]);
    expect(agentDowns()).toEqual([]);
  });

  it("have a leader again when all servers are killed at once and started, and no agent was ever down", async () => {
    const before = await agreedLeader(all, cluster.servers);
    await Promise.all(cluster.servers.map(({ program }) => program.kill("SIGKILL")));
    for (const server of cluster.servers) {
      server.start();
      observers.listen(server);
    }
    const after = await agreedLeader(all, cluster.servers);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    await observers.everyoneAlive();
    expect(observers.termsWithTwoLeaders()).toEqual([]);
    expect(agentDowns()).toEqual([]);
  });

  it("leave a name to the live process that has it; a second one is refused, and has it once the first is gone", async () => {
    const [first] = cluster.agents;
    const [server] = cluster.servers;
    if (first === undefined || server === undefined) throw new Error("no members");
    // A server without a link to the first could not tell the second from a restart of it.
    await waitFor("the first's links with all servers", async () =>
      (await first.status()).cluster.mesh?.links.length === cluster.servers.length ? true : null,
    );
    const port = await freePort();
    const second = startProgram("node-agent", [], {
      RINGRIFT_NODE_ID: first.id,
      RINGRIFT_AGENT_PORT: String(port),
      RINGRIFT_SERVERS: cluster.servers.map(({ url }) => `${url.replace("http:", "ws:")}/mesh`).join(","),
      RINGRIFT_DATA_DIR: join(first.dataDir, "second"),
      RINGRIFT_LOG_LEVEL: "info",
    });
    await waitFor("the second to be refused", async () => {
      const refused = (await server.status()).cluster.mesh?.refused.duplicate_node ?? 0;
      return refused > 0 ? true : null;
    });
    expect((await server.status()).nodes.find(({ id }) => id === first.id)?.link).toBe("alive");
    expect(second.output()).not.toContain("a link is open");
    await first.program.kill("SIGKILL");
    // One that was refused looks again within half a minute.
    await waitFor(
      "the second to be taken",
      async () => (second.output().includes("a link is open") ? true : null),
      60_000,
      second.output,
    );
    await waitFor("the name to be alive", async () =>
      (await server.status()).nodes.find(({ id }) => id === first.id)?.link === "alive" ? true : null,
    );
  });
});
