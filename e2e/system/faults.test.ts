import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "../src/agreement.ts";
import type { Cluster, Member } from "../src/cluster.ts";
import type { Observers } from "../src/observers.ts";
import { waitFor } from "../src/program.ts";
import { startWatchedCluster } from "../src/watched-cluster.ts";

/** `pnpm test:system:long` freezes for a minute, as a stuck disk or a debugger does. */
const longFreezeMs = process.env.SYSTEM_TEST_LONG === "1" ? 60_000 : 10_000;

let cluster: Cluster;
let all: readonly Member[];
let observers: Observers;
beforeAll(async () => {
  ({ cluster, all, observers } = await startWatchedCluster({
    servers: 3,
    agents: 2,
    proxied: true,
  }));
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
});
// What must hold whatever breaks, by everyone's word.
afterEach(() => {
  expect(observers.termsWithTwoLeaders()).toEqual([]);
});

function named(id: string): Member {
  const member = cluster.servers.find((server) => server.id === id);
  if (member === undefined) throw new Error(`no server ${id}`);
  return member;
}

const others = (server: Member): Member[] => cluster.servers.filter((other) => other !== server);

/** Every way between a server and the other two, seen from it. */
function ways(server: Member): { readonly dialled: boolean; readonly path: ReturnType<Cluster["path"]> }[] {
  return others(server).flatMap((other) => [
    { dialled: true, path: cluster.path(server, other) },
    { dialled: false, path: cluster.path(other, server) },
  ]);
}

/** Waits until a server itself says that it neither leads nor has a quorum. */
async function stepsDown(server: Member): Promise<void> {
  await waitFor(`${server.id} to step down`, async () => {
    const { leaderId, quorum } = (await server.status()).cluster;
    return leaderId === null && !quorum.held ? true : null;
  });
}

async function settled(): Promise<{ id: string; epoch: string }> {
  const agreed = await agreedLeader(all, cluster.servers);
  await observers.everyoneAlive();
  observers.takeDowns();
  return agreed;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("three servers and two agents with every path through a proxy", { timeout: 120_000 }, () => {
  it("have one leader in a higher or the same epoch after the leader froze for a second, and nobody is down", async () => {
    const before = await settled();
    const frozen = named(before.id).program.process;
    frozen.kill("SIGSTOP");
    await pause(1_000);
    frozen.kill("SIGCONT");
    const after = await agreedLeader(all, cluster.servers);
    await observers.everyoneAlive();
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThanOrEqual(0);
    if (after.epoch === before.epoch) expect(after.id).toBe(before.id);
    expect(observers.takeDowns()).toEqual([]);
  });

  it("replace a leader that froze for long under a higher epoch, list a frozen agent as down, and take both back", async () => {
    const before = await settled();
    const frozen = named(before.id);
    const [agent, otherAgent] = cluster.agents;
    if (agent === undefined || otherAgent === undefined) throw new Error("no agent");
    const thawAt = performance.now() + longFreezeMs;
    frozen.program.process.kill("SIGSTOP");
    agent.program.process.kill("SIGSTOP");
    const downs = new Set<string>();
    const awake = [...others(frozen), otherAgent];
    const after = await agreedLeader(awake, others(frozen));
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    await waitFor("all that are awake to list the agent as down", async () => {
      const said = observers.takeDowns();
      for (const text of said) expect(text).toMatch(new RegExp(`lists (${agent.id}|${frozen.id}) as down$`));
      for (const text of said) downs.add(text);
      return awake.every(({ id }) => downs.has(`${id} lists ${agent.id} as down`)) ? true : null;
    });
    await pause(Math.max(0, thawAt - performance.now()));
    frozen.program.process.kill("SIGCONT");
    agent.program.process.kill("SIGCONT");
    expect(await agreedLeader(all, cluster.servers)).toEqual(after);
    await observers.everyoneAlive();
  });

  it("replace a leader whose cables to both others are cut; it steps down by itself and follows once they are whole", async () => {
    const before = await settled();
    const lonely = named(before.id);
    for (const { path } of ways(lonely)) path.hold();
    await stepsDown(lonely);
    const after = await agreedLeader(others(lonely), others(lonely));
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    for (const { path } of ways(lonely)) path.heal();
    const healed = await agreedLeader(all, cluster.servers);
    await observers.everyoneAlive();
    // Whoever comes back must not start an election.
    expect(healed).toEqual(after);
    // The agents reach all servers: a quarrel among servers is no reason to give an agent up.
    for (const text of observers.takeDowns()) expect(text).toMatch(new RegExp(`lists ${lonely.id} as down$`));
  });

  it("replace a leader that sends and hears nothing, for it finds no majority", async () => {
    const before = await settled();
    const deaf = named(before.id);
    for (const { dialled, path } of ways(deaf)) path.hold(dialled ? "back" : "out");
    await stepsDown(deaf);
    const after = await agreedLeader(others(deaf), others(deaf));
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    for (const { path } of ways(deaf)) path.heal();
    await agreedLeader(all, cluster.servers);
    for (const text of observers.takeDowns()) expect(text).not.toContain("lists agent");
  });

  it("replace a leader that hears and cannot send", async () => {
    const before = await settled();
    const mute = named(before.id);
    for (const { dialled, path } of ways(mute)) path.hold(dialled ? "out" : "back");
    const after = await agreedLeader(others(mute), others(mute));
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    await waitFor(`${mute.id} to name itself no more`, async () =>
      (await mute.status()).cluster.leaderId === mute.id ? null : true,
    );
    for (const { path } of ways(mute)) path.heal();
    await agreedLeader(all, cluster.servers);
    for (const text of observers.takeDowns()) expect(text).not.toContain("lists agent");
  });

  it("keep leader and epoch when every path gets 100 ms slower, and nobody is suspected to be down", async () => {
    const before = await settled();
    for (const from of all) {
      for (const to of cluster.servers) if (to !== from) cluster.path(from, to).delay(100);
    }
    await pause(4_000);
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    for (const from of all) {
      for (const to of cluster.servers) if (to !== from) cluster.path(from, to).heal();
    }
    expect(observers.takeDowns()).toEqual([]);
  });

  it("keep leader and epoch when every connection of a follower and of an agent is reset", async () => {
    const before = await settled();
    const follower = others(named(before.id))[0];
    const [agent] = cluster.agents;
    if (follower === undefined || agent === undefined) throw new Error("no member");
    const endsToldOf = (): number => follower.program.output().split("a link has ended").length;
    const toldBefore = endsToldOf();
    for (const { path } of ways(follower)) path.reset();
    for (const server of cluster.servers) cluster.path(agent, server).reset();
    await waitFor("the links to be made anew", async () => {
      const { voters } = (await follower.status()).cluster.quorum;
      return endsToldOf() > toldBefore && voters.every(({ reachable }) => reachable) ? true : null;
    });
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    await observers.everyoneAlive();
    expect(observers.takeDowns()).toEqual([]);
  });

  it("keep leader and epoch when the leader and one follower lose only each other", async () => {
    const before = await settled();
    const leader = named(before.id);
    const [blind, bridge] = others(leader);
    if (blind === undefined || bridge === undefined) throw new Error("no follower");
    cluster.path(leader, blind).hold();
    cluster.path(blind, leader).hold();
    await waitFor(`${blind.id} to say that it knows no leader`, async () => {
      const { leaderId, quorum } = (await blind.status()).cluster;
      // Two of three reach one another, which is a quorum all the same.
      return leaderId === null && quorum.held ? true : null;
    });
    // Several of its election time-outs, in which it must not drive the term up.
    await pause(4_000);
    const seeing = [leader, bridge, ...cluster.agents];
    expect(await agreedLeader(seeing, [leader])).toEqual(before);
    cluster.path(leader, blind).heal();
    cluster.path(blind, leader).heal();
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    expect(observers.takeDowns()).toEqual([]);
  });

  it("suspect nobody when one of the two links between leader and follower goes silent; it is cut, and made anew", async () => {
    const before = await settled();
    const leader = named(before.id);
    const follower = others(leader)[0];
    if (follower === undefined) throw new Error("no follower");
    const silentTold = (): number => leader.program.output().split('"silent_peer"').length;
    const [path, told] = [cluster.path(leader, follower), silentTold()];
    path.hold();
    await waitFor("the silent link to be cut", async () => (silentTold() > told ? true : null), 20_000);
    expect((await follower.status()).nodes.map(({ link }) => link)).toEqual(all.map(() => "alive"));
    path.heal();
    await waitFor("two links again", async () => {
      const { mesh } = (await leader.status()).cluster;
      return mesh?.links.filter(({ peer }) => peer === follower.id).length === 2 ? true : null;
    });
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    expect(observers.takeDowns()).toEqual([]);
  });

  it("keep an agent alive that one server alone has lost, in a black hole", async () => {
    const before = await settled();
    const [agent] = cluster.agents;
    const blind = others(named(before.id))[0];
    if (agent === undefined || blind === undefined) throw new Error("no member");
    cluster.path(agent, blind).hold();
    // Longer than a silent agent needs to be given up.
    await pause(6_000);
    for (const server of cluster.servers)
      expect((await server.status()).nodes.find(({ id }) => id === agent.id)?.link).toBe("alive");
    cluster.path(agent, blind).heal();
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    expect(observers.takeDowns()).toEqual([]);
  });
});
