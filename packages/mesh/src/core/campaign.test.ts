import { describe, expect, it } from "vitest";
import { createElection, defaultElectionTiming, type ElectionState, step } from "./election.ts";

const timing = defaultElectionTiming;
const due = timing.electionTimeoutMaxMs;

function voter(self: string, firstTerm: number): ElectionState {
  const options = { self, voters: ["a", "b", "c"], timing, random: () => 0.5, firstTerm };
  return createElection(options, { term: 0, votedFor: null }, 0);
}

describe("a voter whose disk may have forgotten terms", () => {
  it("polls and campaigns in its first term, not in term 1, where it may have voted before", () => {
    const state = voter("a", 700);
    const polled = step(state, { type: "tick" }, due);
    expect(polled).toContainEqual({ type: "send", to: "b", message: { type: "pre_vote", term: 700 } });
    expect(state.term).toBe(0);
    const message = { type: "pre_vote_reply", term: 700, granted: true, voterTerm: 0 } as const;
    const campaigned = step(state, { type: "message", from: "b", message }, due);
    expect(campaigned[0]).toEqual({ type: "persist", term: 700, votedFor: "a" });
  });

  it("so two wiped voters never elect a leader in the term of one that they have forgotten", () => {
    const c = voter("c", 500);
    step(c, { type: "tick" }, due);
    const granted = { type: "pre_vote_reply", term: 500, granted: true, voterTerm: 0 } as const;
    step(c, { type: "message", from: "a", message: granted }, due);
    const vote = { type: "vote_reply", term: 500, granted: true, quietMs: due } as const;
    step(c, { type: "message", from: "a", message: vote }, due);
    expect(c).toMatchObject({ role: "leader", term: 500 });
    // c is cut off, a's disk is wiped, b starts for the first time: together they call the cluster new.
    const b = voter("b", 510);
    step(b, { type: "tick" }, due);
    step(b, { type: "message", from: "a", message: { ...granted, term: 510 } }, due);
    step(b, { type: "message", from: "a", message: { ...vote, term: 510 } }, due);
    expect(b).toMatchObject({ role: "leader", term: 510 });
    const lead = { type: "lead", term: 510, sentAt: 0 } as const;
    step(c, { type: "message", from: "b", message: lead }, due + 1);
    expect(c).toMatchObject({ role: "follower", leaderId: "b", term: 510 });
  });

  it("goes on from a higher term that it has heard of", () => {
    const state = voter("a", 700);
    const lead = { type: "lead", term: 900, sentAt: 0 } as const;
    step(state, { type: "message", from: "c", message: lead }, 1);
    const polled = step(state, { type: "tick" }, 1 + 2 * due);
    expect(polled).toContainEqual({ type: "send", to: "b", message: { type: "pre_vote", term: 901 } });
  });
});
