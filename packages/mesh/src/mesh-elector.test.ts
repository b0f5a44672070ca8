import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ElectionMessage } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultElectionTiming } from "./core/election.ts";
import { MeshElector } from "./mesh-elector.ts";

let directory: string;
let now: number;
const electors = new Map<string, MeshElector>();
/** The list that each uses: servers refuse links with those of another. */
const lists = new Map<string, string>();
/** Voters whose messages, in and out, are lost. */
const cut = new Set<string>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-elector-"));
  now = 10_000;
  electors.clear();
  cut.clear();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function start(self: string, voters: readonly string[]): Promise<MeshElector> {
  const elector = new MeshElector({
    self,
    voters,
    dataDir: join(directory, self),
    timing: defaultElectionTiming,
    now: () => now,
    wallMs: () => Date.UTC(2026, 5, 1),
    random: () => voters.indexOf(self) / voters.length,
    send: (to: string, message: ElectionMessage) => {
      const linked = lists.get(self) === lists.get(to) && !cut.has(self) && !cut.has(to);
      if (linked) electors.get(to)?.receive(self, message);
    },
    log: () => undefined,
  });
  await elector.start(() => undefined);
  electors.set(self, elector);
  lists.set(self, voters.join());
  for (const peer of voters) if (peer !== self) elector.linkUp(peer);
  return elector;
}

/** Lets virtual milliseconds pass in ticks of 50 ms. */
function pass(ms: number): void {
  for (const end = now + ms; now < end; ) {
    now += 50;
    for (const elector of electors.values()) elector.tick();
    const holders = [...electors.values()].filter((elector) => elector.leaseHeld());
    expect(holders.length).toBeLessThan(2);
  }
}

function leaderOf(voters: readonly string[]): MeshElector {
  const found = voters.map((id) => electors.get(id)).find((elector) => elector?.leaseHeld() === true);
  if (found === undefined) throw new Error("nobody leads");
  return found;
}

describe("a server that leads alone", () => {
  it("keeps the value in its data directory, and knows it as agreed as soon as it leads again", async () => {
    const first = await start("a", ["a"]);
    pass(100);
    expect(await first.agree("one", "0.0")).toMatchObject({ value: "one", confirmed: true });
    await first.stop();
    const second = await start("a", ["a"]);
    expect(second.agreed()).toMatchObject({ value: "one", confirmed: false });
    pass(100);
    expect(second.agreed()).toMatchObject({ value: "one", confirmed: true });
  });

  it("refuses to write over a value that is no longer the newest", async () => {
    const elector = await start("a", ["a"]);
    pass(100);
    const { stamp } = await elector.agree("one", "0.0");
    await expect(elector.agree("two", "0.0")).rejects.toMatchObject({ code: "AGREED_MOVED" });
    expect(await elector.agree("two", stamp)).toMatchObject({ value: "two" });
  });
});

describe("three servers that vote", () => {
  const voters = ["a", "b", "c"];

  async function startAll(): Promise<void> {
    for (const id of voters) await start(id, voters);
    pass(8_000);
  }

  it("all know what was agreed, and go on from it under the next leader and after all were restarted", async () => {
    await startAll();
    await leaderOf(voters).agree("one", "0.0");
    pass(500);
    for (const elector of electors.values())
      expect(elector.agreed()).toMatchObject({ value: "one", confirmed: true });
    const [led] = [...electors].find(([, elector]) => elector.leaseHeld()) ?? [""];
    electors.delete(led);
    pass(8_000);
    const next = leaderOf(voters);
    expect(await next.agree("two", next.agreed().stamp)).toMatchObject({ value: "two", confirmed: true });
    electors.clear();
    await startAll();
    pass(500);
    for (const elector of electors.values())
      expect(elector.agreed()).toMatchObject({ value: "two", confirmed: true });
  });

  it("know that nothing was agreed yet once they have a leader, and confirm nothing without one", async () => {
    for (const id of voters) await start(id, voters);
    for (const elector of electors.values()) expect(elector.agreed().confirmed).toBe(false);
    pass(8_000);
    for (const elector of electors.values())
      expect(elector.agreed()).toEqual({ value: "", stamp: "0.0", confirmed: true });
    await leaderOf(voters).agree("one", "0.0");
    pass(500);
    for (const id of voters) cut.add(id);
    pass(8_000);
    for (const elector of electors.values())
      expect(elector.agreed()).toMatchObject({ value: "one", confirmed: false });
  });

  it("refuse a write of who does not lead, and change nothing", async () => {
    await startAll();
    const follower = [...electors.values()].find((elector) => !elector.leaseHeld());
    await expect(follower?.agree("one", "0.0")).rejects.toMatchObject({ code: "NO_LEADER" });
    pass(500);
    expect(follower?.agreed().value).toBe("");
  });

  it("leave the outcome unknown when the leader loses its lead before a majority answers", async () => {
    await startAll();
    const leader = leaderOf(voters);
    const [led] = [...electors].find(([, elector]) => elector === leader) ?? [""];
    cut.add(led);
    const outcome = expect(leader.agree("one", "0.0")).rejects.toMatchObject({ code: "NOT_AGREED" });
    pass(8_000);
    await outcome;
    expect(leaderOf(voters).agreed().value).toBe("");
    expect(leader.agreed()).toMatchObject({ value: "one", confirmed: false });
    cut.clear();
    pass(8_000);
    expect(leader.agreed().value).toBe("");
  });

  it("tell a writer that is stopped that the outcome is unknown", async () => {
    await startAll();
    const leader = leaderOf(voters);
    for (const id of voters) cut.add(id);
    const outcome = expect(leader.agree("one", "0.0")).rejects.toMatchObject({ code: "NOT_AGREED" });
    await leader.stop();
    await outcome;
  });
});

describe("the list of servers", () => {
  const [three, four, five] = [
    ["a", "b", "c"],
    ["a", "b", "c", "d"],
    ["a", "b", "c", "d", "e"],
  ];

  /** Restarts these servers, one after the other, with this list. */
  async function use(list: readonly string[], ids: readonly string[] = list): Promise<void> {
    for (const id of ids) {
      await electors.get(id)?.stop();
      electors.delete(id);
      await start(id, list);
      pass(1_000);
    }
  }

  it("grows from three to five and shrinks again by one at a time, with never two leaders and nothing agreed lost", async () => {
    await use(three);
    for (const list of [four, five, four, three]) {
      pass(8_000);
      const leader = leaderOf(list);
      await leader.agree(`${list.length} servers come`, leader.agreed().stamp);
      for (const id of electors.keys()) if (!list.includes(id)) electors.delete(id);
      await use(list);
      pass(8_000);
      expect(leaderOf(list).agreed()).toMatchObject({
        value: `${list.length} servers come`,
        confirmed: true,
      });
    }
  });

  it("is refused where it changes by two at once, or puts one in another's place", async () => {
    await use(three);
    pass(8_000);
    const error = {
      code: "VOTERS_CHANGED",
      message: expect.stringContaining("more than one server at once"),
    };
    await expect(start("a", five)).rejects.toMatchObject(error);
    await expect(start("a", ["a", "b", "d"])).rejects.toMatchObject(error);
  });

  it("is refused where it changes again before a leader was known under the last", async () => {
    await use(three);
    pass(8_000);
    await use(four, ["a"]);
    const error = { code: "VOTERS_CHANGED", nextStep: expect.stringContaining("wait for a leader first") };
    await expect(start("a", five)).rejects.toMatchObject(error);
    await use(three, ["a"]);
    await use(four);
    pass(8_000);
    await use(five, ["a"]);
  });
});
