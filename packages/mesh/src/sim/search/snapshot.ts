import {
  createElection,
  defaultElectionTiming,
  type ElectionState,
  type PersistedVote,
} from "../../core/election.ts";
import type { Told } from "./told.ts";

// The search has no clock: it is always 0, and what was long ago is `longAgo`. Only that difference matters for who may vote.

const longAgo = -1e6;

/** One voter between two steps: its process, its disk, and what it cannot take back. */
export interface Snapshot {
  readonly state: ElectionState;
  readonly disk: PersistedVote;
  readonly told: Told;
}

export function started(
  self: string,
  voters: readonly string[],
  { disk, told }: Omit<Snapshot, "state">,
): Snapshot {
  const options = { self, voters, timing: defaultElectionTiming, random: () => 0 };
  return { state: createElection(options, disk, 0), disk, told };
}

/** A copy that a step may change. */
export function copyOf(state: ElectionState): ElectionState {
  return {
    ...state,
    votes: new Map(state.votes),
    acked: new Map(state.acked),
    downLinks: new Set(state.downLinks),
  };
}

/** Forgets differences in time that no rule of voting looks at. */
export function settle(state: ElectionState): ElectionState {
  const campaigning = state.role === "candidate" || state.role === "pre_candidate";
  const leads = state.role === "leader";
  return {
    ...state,
    heardLeaderAt: state.heardLeaderAt < 0 ? longAgo : 0,
    electionDueAt: 1,
    heartbeatDueAt: 0,
    lastSentAt: 0,
    leaseFrom: 0,
    ledSince: leads ? state.ledSince : 0,
    votes: new Map(campaigning ? [...state.votes.keys()].sort().map((id) => [id, 0]) : []),
    acked: new Map(leads ? [...state.acked].sort(([a], [b]) => (a < b ? -1 : 1)) : []),
    downLinks: new Set([...state.downLinks].sort()),
  };
}

/** Nobody was heard for a long time, so hearing somebody is no reason any more to refuse or to lead on. */
export function quiet(state: ElectionState): ElectionState {
  return { ...state, heardLeaderAt: longAgo, ledSince: longAgo, acked: new Map(), electionDueAt: 0 };
}

export function keyOf({ state, disk, told }: Snapshot): string {
  const { term, votedFor, role, leaderId, heardLeaderAt, ledSince, leaderRefused } = state;
  const lists = [state.votes.keys(), state.acked.keys(), state.downLinks].map((list) => [...list].join());
  const plain = [term, votedFor, role, leaderId, heardLeaderAt, ledSince, leaderRefused, ...lists];
  return [...plain, disk.term, disk.votedFor, told.term, told.votedFor].join("|");
}
