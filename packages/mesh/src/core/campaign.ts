import type { AgreedCopy, ElectionMessage } from "@ringrift/protocol";
import type { ElectionEffect, ElectionState } from "./election-state.ts";
import { becomeLeader } from "./leadership.ts";
import { majority } from "./quorum.ts";
import { gather, persisted, stampOf } from "./register.ts";

// Becoming leader: first a poll that changes nothing anywhere, then the vote.

/** Asks whether a majority would vote for this voter, so that a lonely one does not drive the term up. */
export function poll(state: ElectionState, now: number): ElectionEffect[] {
  if (state.voters.length === 1) return campaign(state, now, false);
  state.role = "pre_candidate";
  state.leaderId = null;
  state.votes = new Map([[state.self, state.heardLeaderAt]]);
  state.electionDueAt = now + roundMs(state, now);
  return broadcast(state, { type: "pre_vote", term: state.term + 1 });
}

/** Votes for itself in a new term and asks the others to. */
export function campaign(state: ElectionState, now: number, transfer: boolean): ElectionEffect[] {
  state.role = "candidate";
  state.leaderId = null;
  state.term += 1;
  state.votedFor = state.self;
  state.votes = new Map([[state.self, state.heardLeaderAt]]);
  state.newest = state.copy;
  state.electionDueAt = now + roundMs(state, now);
  const persist = persisted(state);
  const requests = broadcast(state, { type: "vote", term: state.term, transfer, stamp: stampOf(state) });
  return [persist, ...requests, ...(won(state) ? becomeLeader(state, now) : [])];
}

/** Counts one distinct voter's answer to the poll; a majority leads to the vote. */
export function countPoll(state: ElectionState, from: string, now: number): ElectionEffect[] {
  state.votes.set(from, now);
  return won(state) ? campaign(state, now, false) : [];
}

/**
 * Counts one distinct voter's vote; a repeat says nothing new. One that comes after the round is over counts for nothing: its
 * voter may have lost its disk since, and have waited for the end of rounds before it voted again.
 */
export function countVote(
  state: ElectionState,
  from: string,
  { quietMs, copy }: { readonly quietMs: number; readonly copy?: AgreedCopy | undefined },
  now: number,
): ElectionEffect[] {
  if (state.votes.has(from) || now >= state.electionDueAt) return [];
  gather(state, copy);
  state.votes.set(from, now - quietMs);
  return won(state) ? becomeLeader(state, now) : [];
}

/** When a follower whose leader's process is gone polls: soon, but not all at the same instant. */
export function hurry(state: ElectionState, now: number): void {
  const soon = now + (state.random() * state.timing.heartbeatMs) / 2;
  state.electionDueAt = Math.min(state.electionDueAt, soon);
}

function won(state: ElectionState): boolean {
  return state.votes.size >= majority(state.voters.length);
}

/** A round without a winner is repeated sooner than a silent leader is replaced: nobody leads meanwhile. */
function roundMs(state: ElectionState, now: number): number {
  const { heartbeatMs, electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = state.timing;
  const leaderJustDied = state.leaderRefused && now - state.heardLeaderAt < max;
  if (leaderJustDied) return heartbeatMs * (0.5 + state.random());
  return min * (0.3 + 0.7 * state.random());
}

function broadcast(state: ElectionState, message: ElectionMessage): ElectionEffect[] {
  return state.voters.filter((id) => id !== state.self).map((to) => ({ type: "send", to, message }));
}
