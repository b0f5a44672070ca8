import { RingRiftError } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Counts } from "./counts.ts";
import { limits } from "./limits.ts";
import type { Link } from "./link.ts";
import type { MeshOptions } from "./mesh.ts";
import { Proposals } from "./proposals.ts";
import { eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";
import { SharedBackEnd } from "./testing/shared-elector.ts";

/** Appends, and refuses "bad". */
function append(value: string, proposal: string): string {
  if (proposal === "bad") throw new RingRiftError("That is bad.", { code: "BAD", nextStep: "Say better." });
  if (proposal === "broken") throw new TypeError("x is not a function");
  return value + proposal;
}

let cluster: LocalCluster;
let backEnd: SharedBackEnd;
beforeEach(() => {
  cluster = new LocalCluster();
  backEnd = new SharedBackEnd();
});
afterEach(() => cluster.close());

async function pair(changes: Partial<MeshOptions> = {}): Promise<{ leader: LocalNode; follower: LocalNode }> {
  await cluster.reserve(2);
  const options = { applyProposal: append, ...changes };
  const leader = await cluster.server(1, { elector: backEnd.of("v1"), ...options });
  const follower = await cluster.server(2, { elector: backEnd.of("v2"), ...options });
  await eventually("they are linked", () => follower.mesh.status().links.length > 0);
  return { leader, follower };
}

describe("a proposal", { timeout: 30_000 }, () => {
  it("is carried out by the leader, wherever it is made, and every server's listeners hear of it", async () => {
    const { leader, follower } = await pair();
    expect(await leader.mesh.propose("a")).toEqual({ value: "a", stamp: "7.1", confirmed: true });
    expect(await follower.mesh.propose("b")).toEqual({ value: "ab", stamp: "7.2", confirmed: true });
    for (const { mesh, events } of [leader, follower]) {
      expect(mesh.status().agreed?.value).toBe("ab");
      await eventually("it was told", () =>
        events.some((event) => event.type === "agreed" && event.agreed.value === "ab"),
      );
    }
  });

  it("meets the value that the one before it left, however many are made at once", async () => {
    const { leader, follower } = await pair();
    const made = "abcdefghij"
      .split("")
      .map((letter, index) => (index % 2 === 0 ? leader : follower).mesh.propose(letter));
    const stamps = (await Promise.all(made)).map(({ stamp }) => stamp);
    expect(new Set(stamps).size).toBe(10);
    expect([...backEnd.agreed.value].sort().join("")).toBe("abcdefghij");
  });

  it("is applied anew when another value has come in between", async () => {
    const { leader } = await pair();
    const { promise, resolve } = Promise.withResolvers<void>();
    backEnd.gate = promise;
    const made = leader.mesh.propose("b");
    await eventually("the write is tried", () => backEnd.tried.length === 1);
    backEnd.write("a");
    resolve();
    expect((await made).value).toBe("ab");
    expect(backEnd.tried).toEqual(["0.0", "7.1"]);
  });

  it("that the leader refuses comes back with the code, the words and the next step of the refusal", async () => {
    const { leader, follower } = await pair();
    for (const { mesh } of [leader, follower]) {
      await expect(mesh.propose("bad")).rejects.toMatchObject({
        code: "BAD",
        message: "That is bad.",
        nextStep: "Say better.",
      });
      await expect(mesh.propose("broken")).rejects.toMatchObject({ code: "PROPOSAL_REFUSED" });
      await expect(mesh.propose("x".repeat(8_193))).rejects.toMatchObject({ code: "AGREED_TOO_LONG" });
      await expect(mesh.propose("\ud800")).rejects.toMatchObject({ code: "BAD_AGREED_VALUE" });
    }
    backEnd.write("y".repeat(32 * 1024));
    await expect(follower.mesh.propose("x")).rejects.toMatchObject({ code: "AGREED_TOO_LONG" });
    expect(backEnd.agreed.value).not.toContain("x");
  });

  it("of the longest value and the worst characters fits into a frame", async () => {
    const { follower } = await pair();
    backEnd.write("\u0001".repeat(24 * 1024));
    const { value } = await follower.mesh.propose("\u0001".repeat(8 * 1024));
    expect(value).toHaveLength(32 * 1024);
  });

  it("is refused where nobody leads, or the leader has not heard yet what was agreed last", async () => {
    const { leader, follower } = await pair();
    backEnd.agreed = { value: "", stamp: "0.0", confirmed: false };
    await expect(leader.mesh.propose("a")).rejects.toMatchObject({ code: "NO_LEADER" });
    backEnd.leader = null;
    await expect(follower.mesh.propose("a")).rejects.toMatchObject({ code: "NO_LEADER" });
    expect(backEnd.agreed.value).toBe("");
  });

  it("has an unknown outcome, and soon, when the leader dies meanwhile", async () => {
    const { leader, follower } = await pair();
    backEnd.gate = new Promise(() => undefined);
    const made = follower.mesh.propose("a");
    await eventually("the write is tried", () => backEnd.tried.length === 1);
    leader.kill();
    for (const socket of cluster.sockets(2)) socket.destroy();
    await expect(made).rejects.toMatchObject({
      code: "NOT_AGREED",
      message: expect.stringContaining("the link to the leader server-1 broke"),
    });
  });

  it("of an agent is refused by the agent itself", async () => {
    await pair();
    const agent = await cluster.agent(1);
    await expect(agent.mesh.propose("a")).rejects.toMatchObject({ code: "NOT_A_SERVER" });
    expect(agent.mesh.status().agreed).toBeNull();
  });

  it("is refused by a leader that has no rule for it", async () => {
    await cluster.reserve(1);
    const server = await cluster.server(1, { elector: backEnd.of("v1") });
    await expect(server.mesh.propose("a")).rejects.toMatchObject({ code: "NO_PROPOSALS" });
  });
});

describe("a server's proposals, on a clock that the test moves", () => {
  function lone(leads: boolean): {
    proposals: Proposals;
    pass: (ms: number) => void;
    sent: unknown[];
    link: Link;
    dropped: Counts;
  } {
    let now = 0;
    const sent: unknown[] = [];
    const link = { isOpen: true, send: (frame: unknown) => sent.push(frame) > 0 } as unknown as Link;
    const dropped = new Counts();
    const proposals = new Proposals({
      mesh: { nodeId: "server-1", applyProposal: append, log: () => undefined },
      voter: leads ? "v1" : "v2",
      elector: backEnd.of("v1"),
      links: { of: () => [link] },
      dropped,
      assertLeader: () => {
        if (backEnd.leader !== "v1") throw new RingRiftError("No.", { code: "NOT_LEADER" });
      },
      now: () => now,
    });
    const pass = (ms: number): void => {
      now += ms;
      proposals.tick();
    };
    return { proposals, pass, sent, link, dropped };
  }

  it("are given up after five seconds without an answer: their outcome is unknown", async () => {
    const { proposals, pass, sent } = lone(false);
    const made = proposals.propose("a");
    expect(sent).toEqual([{ type: "propose", id: 0, proposal: "a" }]);
    pass(limits.proposalMs - 1);
    pass(1);
    await expect(made).rejects.toMatchObject({ code: "NOT_AGREED" });
  });

  it("are refused beyond those that may wait", async () => {
    const { proposals } = lone(false);
    const waiting = Array.from({ length: limits.proposalsPending }, () => proposals.propose("a"));
    expect(() => proposals.propose("a")).toThrow(expect.objectContaining({ code: "PROPOSALS_FULL" }));
    proposals.stop();
    const ends = await Promise.allSettled(waiting);
    expect(ends.every(({ status }) => status === "rejected")).toBe(true);
  });

  it("are refused when they come faster than the leader would take them", async () => {
    const { proposals, pass } = lone(true);
    for (let made = 0; made < limits.proposals.burst; made += 1) await proposals.propose("a");
    expect(() => proposals.propose("b")).toThrow(expect.objectContaining({ code: "PROPOSALS_FULL" }));
    pass(1_000 / limits.proposals.perSecond);
    expect((await proposals.propose("c")).value).toBe(`${"a".repeat(limits.proposals.burst)}c`);
  });

  it("of other servers are refused beyond those that may wait at the leader, and each is answered", async () => {
    const { proposals, link, sent } = lone(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    backEnd.gate = promise;
    const flood = limits.proposalsQueued + 8;
    for (let id = 0; id < flood; id += 1) proposals.receive(link, { type: "propose", id, proposal: "a" });
    await eventually("those beyond are refused", () => sent.length === 8);
    for (const frame of sent) expect(frame).toMatchObject({ ok: false, code: "PROPOSALS_FULL" });
    resolve();
    await eventually("the others are carried out", () => sent.length === flood);
    expect(backEnd.agreed.value).toBe("a".repeat(limits.proposalsQueued));
  });

  it("take no outcome that nobody waits for, nor one of another link", async () => {
    const { proposals, link, dropped } = lone(false);
    const made = proposals.propose("a");
    const outcome = { type: "proposed", ok: true, value: "evil", stamp: "9.9" } as const;
    proposals.receive({ ...link } as Link, { ...outcome, id: 0 });
    proposals.receive(link, { ...outcome, id: 1 });
    expect(dropped.snapshot()).toEqual({ late_outcome: 2 });
    proposals.receive(link, { ...outcome, id: 0, value: "a" });
    expect((await made).value).toBe("a");
  });

  it("are not begun once their proposers have given up, nor once the lease is over", async () => {
    const { proposals, pass } = lone(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    backEnd.gate = promise;
    const first = proposals.propose("a").catch(({ code }: RingRiftError) => code);
    const second = proposals.propose("b").catch(({ code }: RingRiftError) => code);
    await eventually("the first is tried", () => backEnd.tried.length === 1);
    pass(limits.proposalMs);
    const third = proposals.propose("c").catch(({ code }: RingRiftError) => code);
    resolve();
    expect(await Promise.all([first, second])).toEqual(["NOT_AGREED", "NOT_AGREED"]);
    expect(await third).toMatchObject({ value: "ac" });
    const fourth = proposals.propose("d");
    backEnd.leader = "v2";
    await expect(fourth).rejects.toMatchObject({ code: "NO_LEADER" });
    expect(backEnd.agreed.value).toBe("ac");
  });
});
