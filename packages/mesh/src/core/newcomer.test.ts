import { describe, expect, it } from "vitest";
import { defaultElectionTiming } from "./election-timing.ts";
import { createNewcomer, firstTermAt, meet, missing, type Newcomer } from "./newcomer.ts";

const timing = defaultElectionTiming;
const over = timing.electionTimeoutMaxMs * 1.25;

function newcomer(voters = ["a", "b", "c"]): Newcomer {
  return createNewcomer({ self: "a", voters, timing, firstTerm: 1_000 }, 0);
}

/** Answers to the first question and, after the wait, to the last one. */
function told(by: string, voterTerm: number, question: 0 | 1 = 0) {
  const message = { type: "pre_vote_reply", term: question, granted: false, voterTerm } as const;
  return { type: "message", from: by, message } as const;
}

function asked(by: string) {
  return { type: "message", from: by, message: { type: "pre_vote", term: 0 } } as const;
}

describe("a voter without a vote on disk", () => {
  it("asks the others for their terms at once and with each heartbeat, and changes nothing at them", () => {
    const state = newcomer();
    const asked = ["b", "c"].map((to) => ({ type: "send", to, message: { type: "pre_vote", term: 0 } }));
    expect(meet(state, { type: "tick" }, 0)).toEqual(asked);
    expect(meet(state, { type: "tick" }, timing.heartbeatMs - 1)).toEqual([]);
    expect(meet(state, { type: "tick" }, timing.heartbeatMs)).toEqual(asked);
  });

  it("grants no poll, answers no vote and follows no leader", () => {
    const state = newcomer();
    const message = (sent: Parameters<typeof meet>[1] & { type: "message" }) => meet(state, sent, 1);
    expect(message({ type: "message", from: "b", message: { type: "pre_vote", term: 8 } })).toEqual([
      {
        type: "send",
        to: "b",
        message: { type: "pre_vote_reply", term: 8, granted: false, voterTerm: 0 },
      },
    ]);
    const vote = { type: "vote", term: 8, transfer: false } as const;
    expect(message({ type: "message", from: "b", message: vote })).toEqual([]);
    const lead = { type: "lead", term: 8, sentAt: 1 } as const;
    expect(message({ type: "message", from: "b", message: lead })).toEqual([]);
  });

  it("votes above the wall clock's term as soon as a majority, itself counted, knows of no term: the cluster is new", () => {
    const three = newcomer();
    meet(three, asked("b"), 4);
    expect(meet(three, told("b", 0), 5)).toEqual([{ type: "persist", term: 1_000, votedFor: "a" }]);
    const five = newcomer(["a", "b", "c", "d", "e"]);
    for (const id of ["b", "e"]) meet(five, asked(id), 4);
    expect(meet(five, told("b", 0), 5)).toEqual([]);
    expect(meet(five, told("e", 0), 6)).toEqual([{ type: "persist", term: 1_000, votedFor: "a" }]);
  });

  it("goes by the wall clock too where those that know a term may be too few to know the last", () => {
    const state = newcomer();
    meet(state, told("b", 0), 5);
    meet(state, told("c", 9), 6);
    expect(meet(state, { type: "tick" }, over)).toContainEqual({
      type: "persist",
      term: 1_000,
      votedFor: "a",
    });
  });

  it("begins a new cluster in the term of that moment, however long it was alone", () => {
    const state = newcomer();
    meet(state, asked("b"), 30_000);
    expect(meet(state, told("b", 0), 30_000)).toEqual([{ type: "persist", term: 1_030, votedFor: "a" }]);
  });

  it("joins no sooner than the others know that it is new too, and also after they have joined", () => {
    const state = newcomer(["a", "b", "c", "d", "e"]);
    expect(meet(state, told("b", 0), 5)).toEqual([]);
    meet(state, asked("b"), 6);
    expect(meet(state, told("b", 1_002), 7)).toEqual([]);
    meet(state, asked("c"), 8);
    expect(meet(state, told("c", 0), 9)).toEqual([{ type: "persist", term: 1_002, votedFor: "a" }]);
  });

  it("waits for those that may know the last term as long as enough of them are left", () => {
    const state = newcomer(["a", "b", "c", "d", "e"]);
    for (const [by, term] of [
      ["b", 0],
      ["c", 7],
      ["d", 8],
    ] as const)
      meet(state, told(by, term), 5);
    expect(missing(state)).toBe(1);
    const waiting = meet(state, { type: "tick" }, 10 * over);
    expect(waiting.map(({ type }) => type)).not.toContain("persist");
    meet(state, told("c", 7, 1), 10 * over);
    meet(state, told("d", 8, 1), 10 * over);
    expect(meet(state, told("e", 8, 1), 10 * over)).toEqual([{ type: "persist", term: 8, votedFor: "a" }]);
  });

  it("keeps the highest term that each voter told, in whatever order it comes", () => {
    const state = newcomer();
    meet(state, told("b", 7), 5);
    meet(state, told("b", 3), 6);
    meet(state, told("c", 2), 7);
    meet(state, told("c", 2, 1), over);
    expect(meet(state, told("b", 6, 1), over)).toEqual([{ type: "persist", term: 7, votedFor: "a" }]);
  });

  it("takes its first term from the wall clock: seconds since 2026, 1 where the clock is far behind", () => {
    expect(firstTermAt(Date.UTC(2026, 0, 1, 0, 1))).toBe(60);
    expect(firstTermAt(0)).toBe(1);
  });

  it("begins in the highest term that it heard with its vote there spent, once no majority can hide a higher one", () => {
    const state = newcomer();
    expect(meet(state, told("b", 7), 5)).toEqual([]);
    expect(missing(state)).toBe(1);
    expect(meet(state, told("c", 9), 6)).toEqual([]);
    expect(missing(state)).toBe(0);
    meet(state, told("b", 7, 1), over);
    expect(meet(state, told("c", 9, 1), over)).toEqual([{ type: "persist", term: 9, votedFor: "a" }]);
  });

  it("asks anew once every round is over in which it may have voted: who answered before may have voted since", () => {
    const state = newcomer();
    for (const by of ["b", "c"]) meet(state, told(by, 7), 5);
    const asked = ["b", "c"].map((to) => ({ type: "send", to, message: { type: "pre_vote", term: 1 } }));
    expect(meet(state, { type: "tick" }, over)).toEqual(asked);
    // An answer to the first question that was long on its way.
    expect(meet(state, told("b", 7), over + 1)).toEqual([]);
    expect(meet(state, told("c", 7, 1), over + 2)).toEqual([]);
    expect(meet(state, told("b", 8, 1), over + 3)).toEqual([{ type: "persist", term: 8, votedFor: "a" }]);
  });

  it("waits for ever while one of three is missing, since that one may be whom it voted for", () => {
    const state = newcomer();
    meet(state, told("b", 7), 5);
    for (let now = 10; now < 600_000; now += 1_000)
      expect(meet(state, { type: "tick" }, now).some(({ type }) => type === "persist")).toBe(false);
  });

  it("takes no word from strangers", () => {
    const state = newcomer();
    expect(meet(state, told("x", 0), 5)).toEqual([]);
    expect(meet(state, told("a", 0), 5)).toEqual([]);
    expect(missing(state)).toBe(2);
  });
});
