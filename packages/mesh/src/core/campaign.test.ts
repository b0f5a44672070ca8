import { expect, it } from "vitest";
import { createElection, defaultElectionTiming, type ElectionState, step } from "./election.ts";

const timing = defaultElectionTiming;
const due = timing.electionTimeoutMaxMs;

/** In the middle of its campaign for term 1. */
function candidate(): ElectionState {
  const options = { self: "a", voters: ["a", "b", "c"], timing, random: () => 0.5 };
  const state = createElection(options, { term: 0, votedFor: null }, 0);
  step(state, { type: "tick" }, due);
  const poll = { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 } as const;
  step(state, { type: "message", from: "b", message: poll }, due);
  expect(state).toMatchObject({ role: "candidate", term: 1 });
  return state;
}

const vote = { type: "vote_reply", term: 1, granted: true, quietMs: due } as const;

it("a vote within its round makes a leader", () => {
  const state = candidate();
  step(state, { type: "message", from: "b", message: vote }, state.electionDueAt - 1);
  expect(state.role).toBe("leader");
});

it("a vote that comes after its round counts for nothing: a frozen candidate must not win with votes long forgotten", () => {
  const state = candidate();
  step(state, { type: "message", from: "b", message: vote }, state.electionDueAt);
  expect(state.role).toBe("candidate");
});
