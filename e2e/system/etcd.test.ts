import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "../src/agreement.ts";
import { type Cluster, type Member, startCluster } from "../src/cluster.ts";
import { type EtcdCluster, startEtcd } from "../src/etcd.ts";
import { waitFor } from "../src/program.ts";

let etcd: EtcdCluster;
let cluster: Cluster;
let all: readonly Member[];
beforeAll(async () => {
  etcd = await startEtcd(3);
  // It starts with the servers' own vote and moves to etcd below.
  cluster = await startCluster({ servers: 3, agents: 1, serverEnv: { RINGRIFT_ELECTOR: "mesh" } });
  all = [...cluster.servers, ...cluster.agents];
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  await etcd?.stop();
});

const endpoints = (): string => etcd.members.map(({ url }) => url).join(",");

function named(id: string): Member {
  const member = cluster.servers.find((server) => server.id === id);
  if (member === undefined) throw new Error(`no server ${id}`);
  return member;
}

/** Nobody may name a leader any more. */
async function leaderless(members: readonly Member[], quorumHeld: boolean): Promise<void> {
  let seen = "";
  await waitFor(
    "nobody to name a leader",
    async () => {
      const clusters = (await Promise.all(members.map((member) => member.status()))).map((s) => s.cluster);
      seen = JSON.stringify(clusters.map(({ leaderId, epoch, quorum }) => [leaderId, epoch, quorum.held]));
      return clusters.every(({ leaderId, quorum }) => leaderId === null && quorum.held === quorumHeld)
        ? true
        : null;
    },
    20_000,
    () => seen,
  );
}

async function etcdctl(path: string, question: unknown): Promise<{ header: unknown; succeeded?: boolean }> {
  const url = etcd.members[0]?.url ?? "";
  const answer = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(question) });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { header: unknown; succeeded?: boolean };
}

// The steps build on one another.
describe("three servers whose leader etcd chooses", { timeout: 90_000 }, () => {
  it("begin a higher generation when they move from the mesh to etcd, and the old one is followed no more", async () => {
    const before = await agreedLeader(all, cluster.servers);
    expect(before.epoch).toMatch(/^1\./);
    const [first, ...others] = cluster.servers;
    if (first === undefined) throw new Error("no server");
    await first.program.kill("SIGTERM");
    first.start({ RINGRIFT_ELECTOR: "etcd", RINGRIFT_ETCD_ENDPOINTS: endpoints() });
    // Servers that still vote over the mesh are overtaken: they name nobody, and agents follow etcd's leader.
    const moved = await agreedLeader([first, ...cluster.agents], [first]);
    await leaderless(others, true);
    for (const server of others) {
      await server.program.kill("SIGTERM");
      server.start({ RINGRIFT_ELECTOR: "etcd", RINGRIFT_ETCD_ENDPOINTS: endpoints() });
    }
    const after = await agreedLeader(all, cluster.servers);
    expect(after.epoch).toMatch(/^2\.\d+$/);
    expect(compareEpochs(moved.epoch, before.epoch)).toBeGreaterThan(0);
    expect(compareEpochs(after.epoch, moved.epoch)).toBeGreaterThanOrEqual(0);
    for (const member of all) expect((await member.status()).cluster.elector).toBe("etcd");
  });

  it("have another leader under a higher create_revision when the leader is killed", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const leader = named(before.id);
    await leader.program.kill("SIGKILL");
    const others = cluster.servers.filter((server) => server !== leader);
    const after = await agreedLeader([...others, ...cluster.agents], others);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    leader.start();
    await agreedLeader(all, cluster.servers);
  });

  it("have another leader when the leader is asked to stop", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const leader = named(before.id);
    expect(await leader.program.kill("SIGTERM")).toBe(0);
    const others = cluster.servers.filter((server) => server !== leader);
    const after = await agreedLeader([...others, ...cluster.agents], others);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    leader.start();
    await agreedLeader(all, cluster.servers);
  });

  it("refuse a leader that was frozen past its lease: its key is another's, and so is its create_revision", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const frozen = named(before.id);
    frozen.program.process.kill("SIGSTOP");
    const others = cluster.servers.filter((server) => server !== frozen);
    const after = await agreedLeader([...others, ...cluster.agents], others);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
    frozen.program.process.kill("SIGCONT");
    // Its very first answers may still be of the moment in which it was frozen, but they name no leader that leads.
    const first = await frozen.status();
    if (first.cluster.leaderId === frozen.id) expect(first.cluster.epoch).not.toBe(before.epoch);
    const agreed = await agreedLeader(all, cluster.servers);
    expect(agreed).toEqual(after);
    const key = btoa("/ringrift/ringrift/leader");
    const [, revision = ""] = before.epoch.split(".");
    const guarded = await etcdctl("/v3/kv/txn", {
      compare: [{ target: "CREATE", key, create_revision: revision }],
      success: [{ request_delete_range: { key } }],
    });
    expect(guarded.succeeded ?? false).toBe(false);
  });

  it("keep a leader, the same or another, when etcd's own leader is killed", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const lost = await etcd.leader();
    await lost.program.kill("SIGKILL");
    await etcd.leader();
    const after = await agreedLeader(all, cluster.servers);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThanOrEqual(0);
    lost.start();
  });

  it("have no leader within the lease when etcd loses its quorum, say why, and have one again afterwards", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const [, ...lost] = etcd.members;
    await Promise.all(lost.map((member) => member.program.kill("SIGKILL")));
    await leaderless(all, false);
    for (const server of cluster.servers) {
      const ready = await fetch(`${server.url}/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.text()).toContain("etcd has not answered for");
    }
    for (const member of lost) member.start();
    const after = await agreedLeader(all, cluster.servers);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThanOrEqual(0);
  });

  it("begin a higher generation again when they move back to the mesh, and lead from it once a majority has", async () => {
    const before = await agreedLeader(all, cluster.servers);
    for (const server of cluster.servers) {
      await server.program.kill("SIGTERM");
      server.start({ RINGRIFT_ELECTOR: "mesh", RINGRIFT_ETCD_ENDPOINTS: undefined });
    }
    const after = await agreedLeader(all, cluster.servers);
    expect(after.epoch).toMatch(/^4\.\d+$/);
    expect(compareEpochs(after.epoch, before.epoch)).toBeGreaterThan(0);
  });
});
