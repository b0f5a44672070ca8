import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { emptyReport, eventually, LocalCluster, type LocalNode, linkOf } from "./testing/local-cluster.ts";

let cluster: LocalCluster;
beforeEach(() => {
  cluster = new LocalCluster();
});
afterEach(() => cluster.close());

function agree(nodes: readonly LocalNode[]): boolean {
  const leaders = nodes.map(({ mesh }) => mesh.status().leaderId);
  return leaders[0] !== null && leaders.every((leader) => leader === leaders[0]);
}

function allSee(nodes: readonly LocalNode[], id: string, link: string): boolean {
  return nodes.every(({ mesh }) => linkOf(mesh.status(), id) === link);
}

const states = (nodes: readonly LocalNode[]): unknown =>
  nodes.map(({ mesh, options, logged }) => ({
    id: options.nodeId,
    ...mesh.status(),
    logged: logged.slice(-15),
  }));

/** Waits until all of them list `id` with that link. */
const allList = (nodes: readonly LocalNode[], id: string, link: string): Promise<void> =>
  eventually(
    `all list ${id} as ${link}`,
    () => allSee(nodes, id, link),
    () => states(nodes),
  );

/** Waits until all of them name the same leader. */
const allAgree = (nodes: readonly LocalNode[]): Promise<void> =>
  eventually(
    "all agree on a leader",
    () => agree(nodes),
    () => states(nodes),
  );

async function form(
  servers: number,
  agents: number,
): Promise<{ servers: LocalNode[]; agents: LocalNode[]; all: LocalNode[] }> {
  await cluster.reserve(servers);
  const serverNodes: LocalNode[] = [];
  const agentNodes: LocalNode[] = [];
  for (let index = 1; index <= servers; index += 1) serverNodes.push(await cluster.server(index));
  for (let index = 1; index <= agents; index += 1) {
    agentNodes.push(await cluster.agent(index, { fullReport: () => emptyReport(1, true) }));
  }
  const all = [...serverNodes, ...agentNodes];
  await allAgree(all);
  for (const { options } of all) await allList(all, options.nodeId, "alive");
  return { servers: serverNodes, agents: agentNodes, all };
}

describe("a cluster of one server", { timeout: 30_000 }, () => {
  it("has a leader when the server has started, and an agent learns of it", async () => {
    await cluster.reserve(1);
    const server = await cluster.server(1);
    expect(server.mesh.status()).toMatchObject({
      leaderId: "server-1",
      isLeader: true,
      quorum: { configured: true, held: true, have: 1, need: 1 },
    });
    expect(() => server.mesh.assertLeader()).not.toThrow();
    const agent = await cluster.agent(1);
    await eventually("the agent knows the leader", () => agent.mesh.status().leaderId === "server-1");
    expect(agent.mesh.status()).toMatchObject({ isLeader: false, quorum: { held: true, have: 1, need: 1 } });
    expect(() => agent.mesh.assertLeader()).toThrow(/never leads/);
  });

  it("leaves an agent without it knowing neither leader nor quorum", async () => {
    await cluster.reserve(1);
    const agent = await cluster.agent(1);
    expect(agent.mesh.status()).toMatchObject({
      leaderId: null,
      statusAgeSeconds: null,
      quorum: { held: false, have: 0, need: 1 },
    });
    const server = await cluster.server(1);
    await eventually("the agent knows the leader", () => agent.mesh.status().leaderId === "server-1");
    server.kill();
    await server.mesh.stop();
    await eventually("the agent knows none", () => agent.mesh.status().leaderId === null);
    expect(agent.mesh.status().quorum).toMatchObject({ held: false, have: 0 });
    expect(agent.mesh.status().statusAgeSeconds).not.toBeNull();
  });

  it("tells its agents its time, and they know their clock's distance within what the way leaves open", async () => {
    const { servers, agents } = await form(1, 1);
    const [agent] = agents;
    await eventually("the agent knows", () => agent?.mesh.serverClocks().length === 1);
    const [clock] = agent?.mesh.serverClocks() ?? [];
    expect(clock?.server).toBe("server-1");
    // Both read the clock of this machine.
    expect(Math.abs(clock?.offsetSeconds ?? 9)).toBeLessThanOrEqual((clock?.uncertaintySeconds ?? 0) + 0.002);
    expect(servers[0]?.mesh.serverClocks()).toEqual([]);
  });

  it("passes reports on to listeners: whole on connect, then what changed", async () => {
    const { servers, agents } = await form(1, 1);
    const [server] = servers;
    const [agent] = agents;
    agent?.mesh.sendReport(emptyReport(2, false));
    const reports = (): unknown[] =>
      server?.events.flatMap((event) =>
        event.type === "report" ? [[event.nodeId, event.report.seq]] : [],
      ) ?? [];
    await eventually("both reports came", () => reports().length === 2);
    expect(reports()).toEqual([
      ["agent-1", 1],
      ["agent-1", 2],
    ]);
  });
});

describe("a cluster of five servers", { timeout: 30_000 }, () => {
  it("lists an agent, which dials three of them, alive on all five, and down once it is killed", async () => {
    await cluster.reserve(5);
    const servers: LocalNode[] = [];
    for (let index = 1; index <= 5; index += 1) servers.push(await cluster.server(index));
    const agent = cluster.agentProcess(1);
    await allAgree(servers);
    await allList(servers, "agent-1", "alive");
    const linked = servers.filter(({ mesh }) => mesh.status().links.some(({ peer }) => peer === "agent-1"));
    expect(linked).toHaveLength(3);
    agent.kill("SIGKILL");
    await allList(servers, "agent-1", "down");
  });
});

describe("a cluster of three servers and three agents", { timeout: 30_000 }, () => {
  it("forms with one leader, and every node lists all six alive", async () => {
    const { all, servers } = await form(3, 3);
    expect(servers.filter(({ mesh }) => mesh.status().isLeader)).toHaveLength(1);
    for (const { mesh } of all) {
      expect(mesh.status().members).toHaveLength(6);
      expect(mesh.status().quorum).toMatchObject({ held: true, need: 2 });
    }
  });

  it("hears each peer on every link, two of them with each server, and shows whom it names as leader", async () => {
    const { servers } = await form(3, 3);
    const said = () => (servers[0]?.mesh.status().links ?? []).map(({ role, says }) => ({ role, says }));
    await eventually(
      "all seven links say so",
      () => {
        const { leaderId, epoch } = servers[0]?.mesh.status() ?? {};
        const all = said();
        const agreeing = all.filter(({ says }) => says?.leaderId === leaderId && says?.epoch === epoch);
        return (
          agreeing.length === 7 && all.every(({ role, says }) => role === "agent" || says?.quorum?.have === 3)
        );
      },
      said,
    );
    expect(said().find(({ role }) => role === "agent")?.says?.quorum).toBeNull();
  });

  it("follows another leader of a higher term when the leader stops", async () => {
    const { servers, all } = await form(3, 3);
    const leader = servers.find(({ mesh }) => mesh.status().isLeader);
    const { leaderId, term } = leader?.mesh.status() ?? {};
    await leader?.mesh.stop();
    leader?.kill();
    const rest = all.filter((node) => node !== leader);
    await eventually(
      "the rest agree on another",
      () => agree(rest) && rest[0]?.mesh.status().leaderId !== leaderId,
      () => states(rest),
    );
    for (const { mesh } of rest) expect(mesh.status().term).toBeGreaterThan(term ?? 0);
    await allList(rest, String(leaderId), "left");
  });

  it("follows another leader of a higher term when the leader is killed, and takes it back when it is restarted", async () => {
    await cluster.reserve(3);
    const killed = await cluster.serverProcess(1);
    const other = await cluster.server(2);
    const rest = [other, await cluster.agent(1)];
    await allAgree(rest);
    rest.push(await cluster.server(3));
    await allAgree(rest);
    await allList(rest, "server-1", "alive");
    const term = other.mesh.status().term;
    const led = other.mesh.status().leaderId === "server-1";
    killed.kill("SIGKILL");
    await eventually(
      "the rest agree on another leader and list it down",
      () => agree(rest) && other.mesh.status().leaderId !== "server-1" && allSee(rest, "server-1", "down"),
      () => states(rest),
    );
    if (led) expect(other.mesh.status().term).toBeGreaterThan(term);
    await cluster.serverProcess(1);
    await allList(rest, "server-1", "alive");
  });

  it("declares a killed agent down everywhere, and alive again when it is back", async () => {
    const { all } = await form(3, 2);
    const agent = cluster.agentProcess(3);
    await allList(all, "agent-3", "alive");
    agent.kill("SIGKILL");
    await allList(all, "agent-3", "down");
    cluster.agentProcess(3);
    await allList(all, "agent-3", "alive");
  });

  it("suspects a frozen agent before it is declared down, and takes it back when it goes on", async () => {
    const { all } = await form(3, 2);
    const agent = cluster.agentProcess(3);
    await allList(all, "agent-3", "alive");
    // A busy machine may have kept it from its heartbeats before.
    const heard = all.map(({ events }) => events.length);
    agent.kill("SIGSTOP");
    await allList(all, "agent-3", "down");
    for (const [index, { events, options }] of all.entries()) {
      const told = events
        .slice(heard[index])
        .flatMap((event) =>
          event.type === "member" && event.member.id === "agent-3" ? [event.member.link] : [],
        );
      // In between an agent may turn to a server that learns it a moment later.
      expect([told[0], told.at(-1)], options.nodeId).toEqual(["suspect", "down"]);
    }
    agent.kill("SIGCONT");
    await allList(all, "agent-3", "alive");
  });

  it("lists an agent that says goodbye as left", async () => {
    const { all, agents } = await form(3, 3);
    const [agent] = agents;
    await agent?.mesh.stop();
    const rest = all.filter((node) => node !== agent);
    await allList(rest, "agent-1", "left");
  });

  it("has neither leader nor quorum left when two servers are gone", async () => {
    const { servers } = await form(3, 0);
    const [first, second, last] = servers;
    first?.kill();
    await first?.mesh.stop();
    second?.kill();
    await second?.mesh.stop();
    await eventually(
      "the last knows no leader",
      () => last?.mesh.status().leaderId === null,
      () => states(servers),
    );
    expect(last?.mesh.status().quorum).toMatchObject({ held: false, have: 1, need: 2 });
    expect(() => last?.mesh.assertLeader()).toThrow(/lease/);
    // Through forming, failing over and losing its peers, nobody ever said that a majority is held or lost and counted otherwise.
    for (const { events, options } of servers) {
      const told = events.flatMap((event) => (event.type === "quorum" ? [event] : []));
      expect(told.length).toBeGreaterThan(1);
      for (const { held, have, need } of told) expect(held, options.nodeId).toBe(have >= need);
    }
  });

  it("counts a frozen voter as not reached within three heartbeats, though its link stays open", async () => {
    await cluster.reserve(3);
    const first = await cluster.server(1);
    const second = await cluster.server(2);
    const frozen = await cluster.serverProcess(3);
    const have = (): number => first.mesh.status().quorum.have;
    await eventually(
      "all three reach one another",
      () => have() === 3 && second.mesh.status().quorum.have === 3,
      () => states([first, second]),
    );
    frozen.kill("SIGSTOP");
    await eventually(
      "it counts as not reached",
      () => have() === 2,
      () => states([first, second]),
    );
    const { quorum, links } = first.mesh.status();
    expect(quorum).toMatchObject({ held: true, need: 2 });
    expect(quorum.voters.filter(({ reachable }) => reachable)).toHaveLength(2);
    expect(links.map(({ peer }) => peer)).toContain("server-3");
    frozen.kill("SIGCONT");
    await eventually("it is reached again", () => have() === 3);
  });
});
