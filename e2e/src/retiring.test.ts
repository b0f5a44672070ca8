import type { StatusDocument } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader } from "./agreement.ts";
import { type Cluster, type Member, startCluster } from "./cluster.ts";
import { startProgram, waitFor } from "./program.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ servers: 3, agents: 2 });
  for (const server of cluster.servers)
    await seenBy(server, "a healthy cluster", ({ score, nodes }) => score === 100 && nodes.length === 5);
}, 90_000);
afterAll(async () => {
  await cluster?.stop();
});

async function ringrift(...args: string[]): Promise<{ code: number | string; output: string }> {
  const program = startProgram("cli", args, {});
  return { code: await program.exited, output: program.output() };
}

async function seenBy(
  server: Member,
  what: string,
  isIt: (status: StatusDocument) => boolean,
): Promise<StatusDocument> {
  let seen = "";
  return waitFor(
    `${what} at ${server.id}`,
    async () => {
      const status = await server.status();
      seen = JSON.stringify([status.score, status.reasons, status.cluster.counts, status.nodes]);
      return isIt(status) ? status : null;
    },
    30_000,
    () => seen,
  );
}

function stateOf(status: StatusDocument, id: string): string | undefined {
  return status.nodes.find((node) => node.id === id)?.state;
}

async function retiredEverywhere(servers: readonly Member[], id: string): Promise<void> {
  for (const server of servers) {
    const status = await seenBy(server, `${id} to be retired`, (status) => stateOf(status, id) === "retired");
    expect(status.nodes.find((node) => node.id === id)?.retired).toMatchObject({ reason: "sent back" });
  }
}

async function eventsOf(server: Member, id: string): Promise<readonly string[]> {
  const events = await server.events();
  return events.flatMap(({ name, data }) => ("nodeId" in data && data.nodeId === id ? [name] : []));
}

// The steps build on one another: agent-1 is sent back, and comes again after all.
describe("a node that is gone on purpose", { timeout: 90_000 }, () => {
  it("is retired on any server, and goes without a word", async () => {
    const { id } = await agreedLeader(cluster.servers, cluster.servers);
    const follower = cluster.servers.find((server) => server.id !== id);
    const [agent] = cluster.agents;
    if (follower === undefined || agent === undefined) throw new Error("no follower or agent");
    const said = await ringrift("retire", agent.id, "--reason", "sent back", "--server", follower.url);
    expect(said).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^agent-1 .*retired .*sent back$/m),
    });
    expect(stateOf(await follower.status(), agent.id)).toBe("retired");
    await retiredEverywhere(cluster.servers, agent.id);
    await agent.program.kill("SIGKILL");
    for (const server of cluster.servers) {
      const status = await seenBy(server, "the agent's end", ({ nodes }) =>
        nodes.some((node) => node.id === agent.id && node.link === "down"),
      );
      expect(status.cluster.counts).toEqual({ alive: 4, suspect: 0, down: 0, left: 0 });
      expect((await eventsOf(server, agent.id)).slice(-1)).toEqual(["NODE_RETIRED"]);
    }
  });

  it("stays retired when the leader is killed and when every server is, and costs no points", async () => {
    const { id } = await agreedLeader(cluster.servers, cluster.servers);
    const leader = cluster.servers.find((server) => server.id === id);
    const others = cluster.servers.filter((server) => server !== leader);
    await leader?.program.kill("SIGKILL");
    await agreedLeader(others, others);
    await retiredEverywhere(others, "agent-1");
    await Promise.all(others.map((server) => server.program.kill("SIGKILL")));
    for (const server of cluster.servers) server.start();
    await agreedLeader(cluster.servers, cluster.servers);
    await retiredEverywhere(cluster.servers, "agent-1");
    for (const server of cluster.servers) {
      await seenBy(server, "a full score", ({ score }) => score === 100);
      const check = await ringrift("check", "cluster", "--server", server.url);
      expect(check).toMatchObject({ code: 0, output: expect.stringContaining("retired=1") });
      expect(await eventsOf(server, "agent-1")).toEqual([]);
    }
  });

  it("counts again once it is un-retired, and not before", async () => {
    const [agent] = cluster.agents;
    const [server] = cluster.servers;
    if (server === undefined || agent === undefined) throw new Error("no server or agent");
    agent.start();
    await seenBy(server, "the agent's return", ({ nodes }) =>
      nodes.some((node) => node.id === agent.id && node.link === "alive" && node.state === "retired"),
    );
    expect(await ringrift("unretire", agent.id, "--server", server.url)).toMatchObject({ code: 0 });
    for (const one of cluster.servers) {
      const status = await seenBy(
        one,
        "the agent to count",
        (status) => stateOf(status, agent.id) === "healthy",
      );
      expect(status.cluster.counts.alive).toBe(5);
    }
    expect(await eventsOf(server, agent.id)).toEqual(
      expect.arrayContaining(["NODE_UNRETIRED", "NODE_UP", "HEALTH_CHECK_PASSED"]),
    );
  });

  it("is refused where it cannot be: unknown nodes, servers, and without a leader", async () => {
    const [server] = cluster.servers;
    if (server === undefined) throw new Error("no server");
    expect(await ringrift("retire", "agent-9", "--server", server.url)).toMatchObject({
      code: 1,
      output: expect.stringContaining("agent-9 is not known"),
    });
    expect(await ringrift("retire", "server-2", "--server", server.url)).toMatchObject({
      code: 1,
      output: expect.stringContaining("RINGRIFT_SERVERS"),
    });
    await Promise.all(cluster.servers.slice(1).map((other) => other.program.kill("SIGKILL")));
    await seenBy(server, "no leader", ({ cluster: { leaderId } }) => leaderId === null);
    const answer = await fetch(`${server.url}/v1/nodes/agent-1/retire`, { method: "POST" });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(stateOf(await server.status(), "agent-1")).not.toBe("retired");
  });
});
