import {
  createElection,
  defaultElectionTiming,
  type ElectionState,
  type PersistedVote,
} from "../../core/election.ts";

// The search has no clock: it is always 0, and what was long ago is `longAgo`. Only that difference matters for who may vote.

const longAgo = -1e6;

/** One voter between two steps: the state of its process and what its disk holds. */
export interface Snapshot {
  readonly state: ElectionState;
  readonly disk: PersistedVote;
}

export function started(self: string, voters: readonly string[], disk: PersistedVote): Snapshot {
  const options = { self, voters, timing: defaultElectionTiming, random: () => 0 };
  return { state: createElection(options, disk, 0), disk };
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
  for (const id of state.votes.keys()) state.votes.set(id, 0);
  const votes = new Map([...state.votes].sort(([a], [b]) => (a < b ? -1 : 1)));
  const campaigning = state.role === "candidate" || state.role === "pre_candidate";
  return {
    ...state,
    heardLeaderAt: state.heardLeaderAt < 0 ? longAgo : 0,
    electionDueAt: 1,
    heartbeatDueAt: 0,
    lastSentAt: 0,
    leaseFrom: 0,
    ledSince: state.role === "leader" ? state.ledSince : 0,
    votes: campaigning ? votes : new Map(),
    acked:
      state.role === "leader" ? new Map([...state.acked].sort(([a], [b]) => (a < b ? -1 : 1))) : new Map(),
  };
}

/** Nobody was heard for a long time, so hearing somebody is no reason any more to refuse or to lead on. */
export function quiet(state: ElectionState): ElectionState {
  return { ...state, heardLeaderAt: longAgo, ledSince: longAgo, acked: new Map(), electionDueAt: 0 };
}

export function keyOf({ state, disk }: Snapshot): string {
  const { self, term, votedFor, role, leaderId, heardLeaderAt, ledSince, leaderRefused, votes, acked } =
    state;
  const lists = [[...votes.keys()].join(), [...acked.keys()].join()];
  const plain = [self, term, votedFor, role, leaderId, heardLeaderAt, ledSince, leaderRefused];
  return [...plain, ...lists, disk.term, disk.votedFor].join("|");
}
