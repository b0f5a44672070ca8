import { expect, test } from "vitest";
import type { ElectionEffect, ElectionInput, ElectionMessage, ElectionState } from "../core/election.ts";
import type { Tamper } from "./simulated-voter.ts";
import { explainFailure, type Failure, simulate } from "./simulation.ts";

/** The first invariant that a planted bug breaks within a bounded number of schedules. */
function firstFailure(
  makeTamper: () => Tamper,
  nodes = 3,
  seeds = 400,
): { invariant: string | null; seed: number } {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const failure: Failure | null = simulate({ seed, nodes, tamper: makeTamper() }).failure;
    if (failure !== null) return { invariant: failure.invariant, seed };
  }
  return { invariant: null, seed: 0 };
}

test("a voter that forgets its vote in a crash is caught", () => {
  const found = firstFailure(() => ({ store: (vote) => ({ term: vote.term, votedFor: null }) }));
  expect(found.invariant).toMatch(/one leader per term|one vote/);
});

test("a voter that persists nothing is caught", () => {
  const found = firstFailure(() => ({ store: (_vote, before) => before }));
  expect(found.invariant).toMatch(/one leader per term|one vote|term never falls/);
});

test("a vote that leaves before it is on disk is caught", () => {
  const rank = (effect: ElectionEffect): number => (effect.type === "persist" ? 1 : 0);
  const found = firstFailure(() => ({ order: (effects) => [...effects].sort((a, b) => rank(a) - rank(b)) }));
  expect(found.invariant).toMatch(/one leader per term|one vote|term never falls/);
});

test("a quorum of the living is caught", () => {
  const found = firstFailure(() => {
    const all = ["v1", "v2", "v3"];
    const heardAt = new Map<string, number>();
    return {
      beforeStep: (state, input, now) => {
        if (input.type === "message") heardAt.set(`${state.self} ${input.from}`, now);
        const living = all.filter(
          (id) => id === state.self || now - (heardAt.get(`${state.self} ${id}`) ?? now) < 2_000,
        );
        Object.assign(state, { voters: living });
      },
    };
  });
  expect(found.invariant).toMatch(/one leader per term|two lease holders/);
});

test("a lease counted from the answer's arrival is caught", () => {
  const found = firstFailure(() => ({
    input: (input, _state, now) =>
      withMessage(input, (message) =>
        message.type === "lead_reply" ? { ...message, sentAt: now } : message,
      ),
  }));
  expect(found.invariant).toBe("never two lease holders");
});

test("voters that deny having heard a leader are caught", () => {
  const found = firstFailure(() => ({
    beforeStep: (state) => {
      state.heardLeaderAt = Number.NEGATIVE_INFINITY;
    },
  }));
  expect(found.invariant).toBe("never two lease holders");
});

test("a lease longer than the election time-out is caught", () => {
  const found = firstFailure(() => ({
    beforeStep: (state) => {
      Object.assign(state, { timing: { ...state.timing, leaseMs: 5_000 } });
    },
  }));
  expect(found.invariant).toBe("never two lease holders");
});

test("votes of an earlier term counted for this one are caught", () => {
  const found = firstFailure(() => ({
    input: (input, state) =>
      withMessage(input, (message) =>
        message.type === "vote_reply" ? { ...message, term: Math.max(message.term, state.term) } : message,
      ),
  }));
  expect(found.invariant).toMatch(/one leader per term|two lease holders/);
});

test("one voter counted twice is caught", () => {
  const found = firstFailure(() => ({ beforeStep: countAsAnother }), 5);
  expect(found.invariant).toMatch(/one leader per term|two lease holders/);
});

test("a failing schedule is told with its seed, its last steps and how to repeat it", () => {
  const tamper: Tamper = { store: (_vote, before) => before };
  const { seed } = firstFailure(() => tamper);
  const text = explainFailure({ seed, nodes: 3, tamper });
  expect(text).toContain(`Seed ${seed} with 3 voters breaks`);
  expect(text).toMatch(/vote_reply/);
  expect(text).toContain(`--from ${seed} --seeds 1 --nodes 3`);
});

function withMessage(
  input: ElectionInput,
  change: (message: ElectionMessage) => ElectionMessage,
): ElectionInput {
  return input.type === "message" ? { ...input, message: change(input.message) } : input;
}

/** A candidate that takes its own vote for two. */
function countAsAnother(state: ElectionState): void {
  if (state.role === "candidate") state.votes.set("echo", state.heardLeaderAt);
}
