import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "./agreement.ts";
import { type Cluster, type Member, startCluster } from "./cluster.ts";
import { waitFor } from "./program.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ servers: 3, agents: 3 });
});
afterAll(async () => {
  await cluster?.stop();
});

async function linkEverywhere(observers: readonly Member[], id: string, link: string): Promise<void> {
  let seen = "";
  await waitFor(
    `${id} to be ${link} on every server`,
    async () => {
      const links = await Promise.all(
        observers.map(
          async (observer) => (await observer.status()).nodes.find((node) => node.id === id)?.link,
        ),
      );
      seen = JSON.stringify(links);
      return links.every((seenLink) => seenLink === link) ? true : null;
    },
    30_000,
    () => seen,
  );
}

// The steps build on one another, as an operator's bad day does.
describe("three servers and three agents", { timeout: 90_000 }, () => {
  it("form a cluster in which servers and agents agree on one leader, and every server is ready", async () => {
    await agreedLeader([...cluster.servers, ...cluster.agents], cluster.servers);
    for (const agent of cluster.agents) await linkEverywhere(cluster.servers, agent.id, "alive");
    await waitFor("every server and agent to be ready", async () => {
      const answers = await Promise.all(
        [...cluster.servers, ...cluster.agents].map((member) => fetch(`${member.url}/ready`)),
      );
      return answers.every((answer) => answer.status === 200) ? true : null;
    });
    const status = await cluster.servers[0]?.status();
    expect(status?.nodes.filter((node) => node.role === "agent")).toHaveLength(3);
    expect(status?.cluster.quorum).toMatchObject({ held: true, need: 2 });
  });

  it("elect a new leader under a higher epoch when the leader is killed, and take the old one back", async () => {
    const before = await agreedLeader(cluster.servers, cluster.servers);
    const leader = cluster.servers.find((server) => server.id === before.id);
    const others = cluster.servers.filter((server) => server.id !== before.id);
    await leader?.program.kill("SIGKILL");
    const after = await agreedLeader([...others, ...cluster.agents], others);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    leader?.start();
    await agreedLeader([...cluster.servers, ...cluster.agents], cluster.servers);
  });

  it("show a killed agent as down everywhere, lower the score and say NODE_DOWN; its return shows as well", async () => {
    const [agent] = cluster.agents;
    const [server] = cluster.servers;
    if (agent === undefined || server === undefined) throw new Error("no agent or server");
    // A server that has just come back hears of every agent before its score says anything of them.
    const before = await waitFor("a healthy score", async () => {
      const { score, level } = await server.status();
      return level === "HEALTHY" ? score : null;
    });
    await agent.program.kill("SIGKILL");
    await linkEverywhere(cluster.servers, agent.id, "down");
    await waitFor("the score to fall", async () => {
      const { score } = await server.status();
      return score !== null && score < before ? true : null;
    });
    const down = await waitFor("NODE_DOWN", async () => {
      const events = await server.events();
      return events.find((event) => event.name === "NODE_DOWN" && event.data.nodeId === agent.id) ?? null;
    });
    expect(down.seq).toBeGreaterThan(0);
    agent.start();
    await linkEverywhere(cluster.servers, agent.id, "alive");
    await waitFor("NODE_UP", async () => {
      const events = await server.events();
      return events.find((event) => event.name === "NODE_UP" && event.seq > down.seq) ?? null;
    });
  });

  it("show an agent that says goodbye as left, at once and without NODE_DOWN", async () => {
    const agent = cluster.agents[1];
    if (agent === undefined) throw new Error("no agent");
    expect(await agent.program.kill("SIGTERM")).toBe(0);
    await linkEverywhere(cluster.servers, agent.id, "left");
    const events = await cluster.servers[0]?.events();
    expect(events?.some((event) => event.name === "NODE_DOWN" && event.data.nodeId === agent.id)).toBe(false);
    agent.start();
    await linkEverywhere(cluster.servers, agent.id, "alive");
  });

  it("lose quorum when two of three servers die: no leader, not ready, score at most 39", async () => {
    const [survivor, ...victims] = cluster.servers;
    if (survivor === undefined) throw new Error("no server");
    await Promise.all(victims.map((victim) => victim.program.kill("SIGKILL")));
    const status = await waitFor("the survivor to see that quorum is lost", async () => {
      const seen = await survivor.status();
      return !seen.cluster.quorum.held && seen.cluster.leaderId === null ? seen : null;
    });
    expect(status.score).not.toBeNull();
    expect(status.score ?? 100).toBeLessThanOrEqual(39);
    expect(status.cluster.quorum).toMatchObject({ have: 1, need: 2 });
    expect((await fetch(`${survivor.url}/ready`)).status).toBe(503);
    expect((await fetch(`${survivor.url}/health`)).status).toBe(200);
    for (const agent of cluster.agents) {
      await waitFor("the agents to know that nobody leads", async () =>
        (await agent.status()).cluster.leaderId === null ? true : null,
      );
    }
  });

  it("have a leader again, under a higher epoch, once a majority is back", async () => {
    for (const server of cluster.servers.slice(1)) server.start();
    await agreedLeader([...cluster.servers, ...cluster.agents], cluster.servers);
  });

  it("stop with exit code 0 when asked to", async () => {
    const members = [...cluster.agents, ...cluster.servers];
    const codes = await Promise.all(members.map((member) => member.program.kill("SIGTERM")));
    expect(codes).toEqual(members.map(() => 0));
  });
});
