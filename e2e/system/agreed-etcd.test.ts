import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Agreeing, type AgreeingServer, startAgreeing } from "../src/agreeing.ts";
import { type EtcdCluster, startEtcd } from "../src/etcd.ts";
import { FaultProxy } from "../src/fault-proxy.ts";

let etcd: EtcdCluster;
let agreeing: Agreeing;
/** The paths of each server to the members of etcd. */
const paths: FaultProxy[][] = [];
beforeAll(async () => {
  etcd = await startEtcd(3);
  for (let server = 0; server < 3; server += 1) {
    const proxies = etcd.members.map(({ url }) => new FaultProxy(Number(new URL(url).port)));
    await Promise.all(proxies.map((proxy) => proxy.listen()));
    paths.push(proxies);
  }
  agreeing = await startAgreeing(3, (index) =>
    (paths[index] ?? []).map(({ port }) => `http://127.0.0.1:${port}`),
  );
}, 60_000);
afterAll(async () => {
  await agreeing?.stop();
  await Promise.all(paths.flat().map((proxy) => proxy.close()));
  await etcd?.stop();
});

function others(than: AgreeingServer): AgreeingServer[] {
  return agreeing.servers.filter((server) => server !== than);
}

function follower(of: AgreeingServer): AgreeingServer {
  const [first] = others(of);
  if (first === undefined) throw new Error("no follower");
  return first;
}

/** Proposes until it succeeds; what is refused or unknown is told again by the next word. */
async function proposed(server: AgreeingServer, word: string): Promise<string> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const outcome = await server.propose(`${word}${attempt}`);
    if (outcome.ok) return `${word}${attempt}`;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error("no proposal succeeded");
}

async function transaction(question: object): Promise<{ readonly succeeded?: boolean }> {
  const answer = await fetch(`${etcd.members[0]?.url}/v3/kv/txn`, {
    method: "POST",
    body: JSON.stringify(question),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { succeeded?: boolean };
}

// The steps build on one another.
describe("what servers agreed on by a real etcd", { timeout: 90_000 }, () => {
  it("is told by a follower's proposal, and every server hears of it", async () => {
    const leader = await agreeing.leader();
    const outcome = await follower(leader).propose("first");
    expect(outcome).toMatchObject({ ok: true, value: "first ", confirmed: true });
    expect(await agreeing.settled((value) => value === "first ")).toMatchObject({
      stamp: outcome.ok ? outcome.stamp : "",
    });
    expect(await follower(leader).propose("bad")).toMatchObject({ ok: false, code: "BAD_WORD" });
  });

  it("outlives the leader that is killed at once, and a restart of every server, one of them with an empty disk", async () => {
    const leader = await agreeing.leader();
    const told = await follower(leader).propose("second");
    await leader.program.kill("SIGKILL");
    expect(told).toMatchObject({ ok: true });
    await agreeing.settled((value) => value.endsWith("second "), others(leader));
    await Promise.all(others(leader).map(({ program }) => program.kill("SIGKILL")));
    rmSync(leader.dataDir, { recursive: true });
    for (const server of agreeing.servers) server.start();
    await agreeing.settled((value) => value.endsWith("second "));
  });

  it("outlives etcd's own leader that is killed at once", async () => {
    const word = await proposed(follower(await agreeing.leader()), "third-");
    const lost = await etcd.leader();
    await lost.program.kill("SIGKILL");
    await agreeing.settled((value) => value.endsWith(`${word} `));
    lost.start();
    await etcd.settled();
    await proposed(follower(await agreeing.leader()), "fourth-");
  });

  it("is never what a leader wrote that has been replaced: etcd refuses it, and nobody tells of a success", async () => {
    const before = await agreeing.leader();
    const { epoch, agreed } = await before.status();
    const cut = paths[agreeing.servers.indexOf(before)] ?? [];
    for (const path of cut) path.hold("out");
    expect(await before.propose("lost-on-its-way")).toMatchObject({ ok: false, code: "NOT_AGREED" });
    const after = await agreeing.leader(others(before));
    expect(after).not.toBe(before);
    const word = await proposed(after, "fifth-");
    for (const path of cut) path.heal();
    const { value } = await agreeing.settled((each) => each.endsWith(`${word} `));
    expect(value).not.toContain("lost-on-its-way");
    const [, createRevision = ""] = epoch.split(".");
    const [, modRevision = ""] = agreed.stamp.split(".");
    const [leader, key] = ["leader", "agreed"].map((name) => btoa(`/ringrift/agreeing/${name}`));
    const mod = { target: "MOD", key, mod_revision: modRevision };
    const create = { target: "CREATE", key: leader, create_revision: createRevision };
    for (const compare of [[mod], [create], [create, mod]])
      expect(
        (await transaction({ compare, success: [{ request_put: { key, value: btoa("evil") } }] }))
          .succeeded ?? false,
      ).toBe(false);
  });

  it("stays as it was, unconfirmed, while etcd has no quorum; a proposal then succeeds nowhere", async () => {
    const leader = await agreeing.leader();
    const before = await agreeing.settled(() => true);
    const [, ...lost] = etcd.members;
    await Promise.all(lost.map((member) => member.program.kill("SIGKILL")));
    // The leader's lease may still hold: then the outcome is unknown, and later nothing is begun.
    const outcomes = await Promise.all(agreeing.servers.map((server) => server.propose("unheard")));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ ok: false, code: expect.stringMatching(/^(NOT_AGREED|NO_LEADER)$/) });
    for (const server of agreeing.servers) {
      // The lease and the newest reading were asked for at different moments, and end at different ones.
      const known = async (): Promise<boolean> => {
        const { leaderId, agreed } = await server.status();
        return leaderId !== null || agreed.confirmed;
      };
      while (await known()) await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await server.status()).agreed).toEqual({ ...before, confirmed: false });
      expect(await server.propose("unheard")).toMatchObject({ ok: false, code: "NO_LEADER" });
    }
    for (const member of lost) member.start();
    await agreeing.settled((value) => value.startsWith(before.value));
    expect(leader).toBeDefined();
  });

  it("is what the servers say again when a value of somebody else's in the key was removed", async () => {
    const key = btoa("/ringrift/agreeing/agreed");
    await agreeing.leader();
    const { stamp } = await agreeing.settled(() => true);
    await transaction({ success: [{ request_put: { key, value: btoa("hello") } }] });
    const [server] = agreeing.servers;
    if (server === undefined) throw new Error("no server");
    while ((await server.status()).agreed.confirmed) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await server.propose("sixth")).toMatchObject({ ok: false, code: "NO_LEADER" });
    await transaction({ success: [{ request_delete_range: { key } }] });
    await agreeing.settled((value) => value === "");
    const word = await proposed(server, "seventh-");
    const after = await agreeing.settled((value) => value === `${word} `);
    expect(Number(after.stamp.split(".")[1])).toBeGreaterThan(Number(stamp.split(".")[1]));
  });
});
