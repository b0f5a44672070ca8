import { describe, expect, it } from "vitest";
import { defaultElectionTiming } from "./election-timing.ts";
import { createNewcomer, meet, missing, type Newcomer } from "./newcomer.ts";

const timing = defaultElectionTiming;
const over = timing.electionTimeoutMaxMs;

function newcomer(voters = ["a", "b", "c"]): Newcomer {
  return createNewcomer({ self: "a", voters, timing }, 0);
}

function told(by: string, voterTerm: number) {
  const message = { type: "pre_vote_reply", term: 1, granted: false, voterTerm } as const;
  return { type: "message", from: by, message } as const;
}

describe("a voter without a vote on disk", () => {
  it("asks the others for their terms at once and with each heartbeat, and changes nothing at them", () => {
    const state = newcomer();
    const asked = ["b", "c"].map((to) => ({ type: "send", to, message: { type: "pre_vote", term: 1 } }));
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

  it("votes as soon as a majority, itself counted, never heard of any term: the cluster is new", () => {
    expect(meet(newcomer(), told("b", 0), 5)).toEqual([{ type: "persist", term: 0, votedFor: null }]);
    const five = newcomer(["a", "b", "c", "d", "e"]);
    expect(meet(five, told("b", 0), 5)).toEqual([]);
    expect(meet(five, told("e", 0), 6)).toEqual([{ type: "persist", term: 0, votedFor: null }]);
  });

  it("begins in the highest term that it heard with its vote there spent, once no majority can hide a higher one", () => {
    const state = newcomer();
    expect(meet(state, told("b", 7), 5)).toEqual([]);
    expect(missing(state)).toBe(1);
    expect(meet(state, told("c", 9), 6)).toEqual([]);
    expect(missing(state)).toBe(0);
    expect(meet(state, { type: "tick" }, over)).toContainEqual({ type: "persist", term: 9, votedFor: "a" });
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
