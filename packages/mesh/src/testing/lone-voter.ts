import {
  createElection,
  defaultElectionTiming,
  type ElectionEffect,
  type ElectionInput,
  type ElectionMessage,
  type ElectionState,
  step,
} from "../core/election.ts";

// One of three voters in the hands of a test, with a clock that the test moves.

export const clock = { now: 0 };

export function voter(
  self: string,
  persisted: { readonly term: number; readonly votedFor: string | null } = { term: 0, votedFor: null },
): ElectionState {
  const options = { self, voters: ["a", "b", "c"], timing: defaultElectionTiming, random: () => 0.5 };
  return createElection(options, persisted, clock.now);
}

export function give(state: ElectionState, input: ElectionInput): ElectionEffect[] {
  return step(state, input, clock.now);
}

export function tell(state: ElectionState, from: string, message: ElectionMessage): ElectionEffect[] {
  return give(state, { type: "message", from, message });
}

export function sent(effects: readonly ElectionEffect[], type: ElectionMessage["type"]): ElectionMessage[] {
  return effects.flatMap((effect) =>
    effect.type === "send" && effect.message.type === type ? [effect.message] : [],
  );
}

/** Voter `a` as it leads term 1 at 5 s, long after it started. */
export function leader(): ElectionState {
  const state = voter("a");
  clock.now = 5_000;
  give(state, { type: "tick" });
  tell(state, "b", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
  tell(state, "b", { type: "vote_reply", term: 1, granted: true, quietMs: 5_000 });
  if (state.role !== "leader" || state.term !== 1) throw new Error(`a is ${state.role} in ${state.term}`);
  return state;
}

/** Voter `b` that follows `a` in term 1 at 5 s. */
export function follower(): ElectionState {
  const state = voter("b");
  clock.now = 5_000;
  tell(state, "a", { type: "lead", term: 1, sentAt: 77 });
  if (state.leaderId !== "a" || state.term !== 1) throw new Error(`b follows ${state.leaderId}`);
  return state;
}
