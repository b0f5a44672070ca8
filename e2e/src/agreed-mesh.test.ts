import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Agreeing, type AgreeingServer, startAgreeing } from "./agreeing.ts";

let agreeing: Agreeing;
beforeAll(async () => {
  agreeing = await startAgreeing(3);
}, 60_000);
afterAll(() => agreeing?.stop());

function others(than: AgreeingServer): AgreeingServer[] {
  return agreeing.servers.filter((server) => server !== than);
}

function follower(of: AgreeingServer): AgreeingServer {
  const [first] = others(of);
  if (first === undefined) throw new Error("no follower");
  return first;
}

/** Proposes anew under another word until it succeeds. */
async function proposed(server: AgreeingServer, word: string): Promise<string> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const outcome = await server.propose(`${word}${attempt}`);
    if (outcome.ok) return `${word}${attempt}`;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error("no proposal succeeded");
}

// The steps build on one another.
describe("what three servers agreed on over the mesh", { timeout: 90_000 }, () => {
  it("is told by a follower's proposal, and every server hears of it", async () => {
    const leader = await agreeing.leader();
    const word = await proposed(follower(leader), "first-");
    const { stamp } = await agreeing.settled((value) => value.endsWith(`${word} `));
    expect(stamp).toMatch(/^[1-9]\d*\.[1-9]\d*$/);
    expect(await follower(leader).propose("bad")).toMatchObject({ ok: false, code: "BAD_WORD" });
  });

  it("outlives the leader that is killed at once after a follower was told of the outcome", async () => {
    for (let round = 0; round < 3; round += 1) {
      const leader = await agreeing.leader();
      const word = await proposed(follower(leader), `second-${round}-`);
      await leader.program.kill("SIGKILL");
      await agreeing.settled((value) => value.includes(`${word} `), others(leader));
      leader.start();
      await agreeing.settled((value) => value.includes(`${word} `));
    }
  });

  it("outlives a restart of all three, one of them with an empty disk", async () => {
    const leader = await agreeing.leader();
    const word = await proposed(follower(leader), "third-");
    await Promise.all(agreeing.servers.map(({ program }) => program.kill("SIGKILL")));
    rmSync(leader.dataDir, { recursive: true });
    for (const server of agreeing.servers) server.start();
    await agreeing.settled((value) => value.endsWith(`${word} `));
    // The wiped one was told before it voted: it and one other are enough from now on.
    const gone = follower(leader);
    await gone.program.kill("SIGKILL");
    await agreeing.settled((value) => value.endsWith(`${word} `), others(gone));
    gone.start();
    await agreeing.settled((value) => value.endsWith(`${word} `));
  });

  it("is not known when the leader freezes meanwhile, and every later reading tells the truth", async () => {
    const leader = await agreeing.leader();
    const asker = follower(leader);
    leader.program.process.kill("SIGSTOP");
    const outcome = await asker.propose("frozen");
    expect(outcome).toMatchObject({ ok: false, code: "NOT_AGREED" });
    const after = await agreeing.leader(others(leader));
    const word = await proposed(after, "fourth-");
    const { value } = await agreeing.settled((each) => each.includes(`${word} `), others(leader));
    leader.program.process.kill("SIGCONT");
    expect((await agreeing.settled((each) => each.includes(`${word} `))).value).toBe(value);
    const last = await proposed(leader, "fifth-");
    const { value: whole } = await agreeing.settled((each) => each.endsWith(`${last} `));
    expect(whole.startsWith(value)).toBe(true);
    expect(whole.split(" ").filter((each) => each === "frozen").length).toBeLessThan(2);
  });

  it("is not changed by a minority, which tells it as not confirmed", async () => {
    const before = await agreeing.settled(() => true);
    const [alone, ...gone] = agreeing.servers;
    if (alone === undefined) throw new Error("no server");
    await Promise.all(gone.map(({ program }) => program.kill("SIGKILL")));
    while ((await alone.status()).leaderId !== null) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await alone.propose("unheard")).toMatchObject({ ok: false, code: "NO_LEADER" });
    expect((await alone.status()).agreed).toEqual({ ...before, confirmed: false });
    for (const server of gone) server.start();
    expect(await agreeing.settled((value) => value === before.value)).toMatchObject({ value: before.value });
  });

  it("has each word that was told as agreed once, and none that was refused, whoever is killed or frozen meanwhile", async () => {
    const outcomes = new Map<string, "agreed" | "refused" | "unknown">();
    const propose = async (server: AgreeingServer, word: string): Promise<void> => {
      const outcome = await server.propose(word).catch(() => null);
      const unknown = outcome === null || (!outcome.ok && outcome.code === "NOT_AGREED");
      outcomes.set(word, unknown ? "unknown" : outcome.ok ? "agreed" : "refused");
    };
    for (let round = 0; round < 6; round += 1) {
      const victim = await agreeing.leader();
      const proposing = agreeing.servers.flatMap((server) =>
        [1, 2, 3, 4].map((index) => propose(server, `r${round}${server.id}${index}`)),
      );
      // Each round hits a little later, so that proposals are met on their way out, in the queue and on their way back.
      await new Promise((resolve) => setTimeout(resolve, round * 4));
      if (round % 2 === 0) {
        await victim.program.kill("SIGKILL");
        victim.start();
      } else {
        victim.program.process.kill("SIGSTOP");
        await agreeing.leader(others(victim));
        victim.program.process.kill("SIGCONT");
      }
      await Promise.all(proposing);
      await agreeing.settled(() => true);
    }
    const { value } = await agreeing.settled(() => true);
    const words = value.trim().split(" ");
    expect(new Set(words).size).toBe(words.length);
    for (const [word, outcome] of outcomes) {
      if (outcome === "agreed") expect(words, value).toContain(word);
      if (outcome === "refused") expect(words, value).not.toContain(word);
    }
    expect(new Set(outcomes.values())).toContain("agreed");
  });
});
