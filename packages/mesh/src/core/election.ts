import type { ElectionMessage } from "@ringrift/protocol";
import { campaign, countPoll, countVote, hurry, poll } from "./campaign.ts";
import type { ElectionEffect, ElectionState } from "./election-state.ts";
import { acknowledge, contactAt, lead, resetElectionTimer, stepDown, transfer, write } from "./leadership.ts";
import { lastQuestion } from "./newcomer.ts";
import { confirm, keep, newerThan, persisted, stampOf } from "./register.ts";

// Raft's election without its log. The contract with the shell: effects are carried out in order, and a `persist` is
// on disk before anything after it starts; a shell that cannot persist must stop stepping.

export type ElectionInput =
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: string; readonly message: ElectionMessage }
  /** `refused`: the peer's host answered a redial with "connection refused", so its process is gone. */
  | { readonly type: "link"; readonly peer: string; readonly up: boolean; readonly refused?: boolean }
  /** Hand leadership to another voter; nothing happens unless this voter leads and another answers it. */
  | { readonly type: "transfer" }
  /** Replace the agreed value; nothing happens unless `mayWrite`. */
  | { readonly type: "write"; readonly value: string };

type MessageOf<Type extends ElectionMessage["type"]> = Extract<ElectionMessage, { type: Type }>;

/** Advances the voter by one input; `now` is monotonic milliseconds. */
export function step(state: ElectionState, input: ElectionInput, now: number): ElectionEffect[] {
  const { role, leaderId, term } = state;
  const effects = apply(state, input, now);
  if (state.role !== role || state.leaderId !== leaderId || state.term !== term) {
    effects.push({ type: "role", role: state.role, leaderId: state.leaderId, term: state.term });
  }
  return effects;
}

/** When the next tick matters; a later tick is safe, only slower. */
export function nextTickAt(state: ElectionState): number {
  return state.role === "leader" ? state.heartbeatDueAt : state.electionDueAt;
}

function apply(state: ElectionState, input: ElectionInput, now: number): ElectionEffect[] {
  switch (input.type) {
    case "tick":
      return tick(state, now);
    case "link":
      return onLink(state, input.peer, input.up, input.refused ?? false, now);
    case "transfer":
      return transfer(state, now);
    case "write":
      return write(state, input.value, now);
    case "message": {
      const { from, message } = input;
      if (from === state.self || !state.voters.includes(from)) return [];
      return receive(state, from, message, now);
    }
  }
}

function tick(state: ElectionState, now: number): ElectionEffect[] {
  if (state.role === "leader") return lead(state, now);
  return now >= state.electionDueAt ? poll(state, now) : [];
}

function onLink(
  state: ElectionState,
  peer: string,
  up: boolean,
  refused: boolean,
  now: number,
): ElectionEffect[] {
  if (up) {
    state.downLinks.delete(peer);
    return [];
  }
  if (!state.voters.includes(peer)) return [];
  state.downLinks.add(peer);
  if (refused && state.role === "follower" && peer === state.leaderId) {
    state.leaderRefused = true;
    hurry(state, now);
  }
  return [];
}

function receive(
  state: ElectionState,
  from: string,
  message: ElectionMessage,
  now: number,
): ElectionEffect[] {
  switch (message.type) {
    case "pre_vote":
      return [answerPoll(state, from, message.term, now)];
    case "pre_vote_reply":
      return onPollReply(state, from, message, now);
    case "vote":
      return onVoteRequest(state, from, message, now);
    case "vote_reply":
      return onVoteReply(state, from, message, now);
    case "lead":
      return onLead(state, from, message, now);
    case "lead_reply":
      return onLeadReply(state, from, message, now);
    case "timeout_now": {
      const leaderAsks = state.role === "follower" && from === state.leaderId && message.term === state.term;
      return leaderAsks ? campaign(state, now, true) : [];
    }
  }
}

/** A poll changes neither term nor timer nor vote of the voter that answers it. */
function answerPoll(state: ElectionState, from: string, term: number, now: number): ElectionEffect {
  const granted = term > state.term && !followsLiveLeader(state, now);
  const copy = term === lastQuestion ? newerThan(state) : undefined;
  return reply(from, { type: "pre_vote_reply", term, granted, voterTerm: state.term, copy });
}

function onPollReply(
  state: ElectionState,
  from: string,
  message: MessageOf<"pre_vote_reply">,
  now: number,
): ElectionEffect[] {
  if (state.role !== "pre_candidate") return [];
  if (message.granted) return message.term === state.term + 1 ? countPoll(state, from, now) : [];
  return adoptHigherTerm(state, message.voterTerm, now);
}

function onVoteRequest(
  state: ElectionState,
  from: string,
  message: MessageOf<"vote">,
  now: number,
): ElectionEffect[] {
  const quietMs = now - state.heardLeaderAt;
  if (message.term < state.term) {
    return [reply(from, { type: "vote_reply", term: state.term, granted: false, quietMs })];
  }
  if (followsLiveLeader(state, now) && !message.transfer) return [];
  const adopted = adoptHigherTerm(state, message.term, now);
  if (state.votedFor !== null && state.votedFor !== from) {
    return [reply(from, { type: "vote_reply", term: state.term, granted: false, quietMs })];
  }
  const already = adopted.length === 0 && state.votedFor === from;
  state.votedFor = from;
  if (state.role === "pre_candidate") state.role = "follower";
  resetElectionTimer(state, now);
  const copy = newerThan(state, message.stamp);
  const granted = reply(from, { type: "vote_reply", term: state.term, granted: true, quietMs, copy });
  return already ? [granted] : [persisted(state), granted];
}

function onVoteReply(
  state: ElectionState,
  from: string,
  message: MessageOf<"vote_reply">,
  now: number,
): ElectionEffect[] {
  if (message.term > state.term) return adoptHigherTerm(state, message.term, now);
  if (state.role !== "candidate" || message.term < state.term || !message.granted) return [];
  return countVote(state, from, message, now);
}

function onLead(
  state: ElectionState,
  from: string,
  message: MessageOf<"lead">,
  now: number,
): ElectionEffect[] {
  const adopted = adoptHigherTerm(state, message.term, now);
  const { sentAt } = message;
  // A lower term is answered with ours, which deposes a leader that a majority has moved past.
  if (message.term < state.term) return [reply(from, { type: "lead_reply", term: state.term, sentAt })];
  if (state.role === "leader") return [];
  state.role = "follower";
  state.leaderId = from;
  state.leaderRefused = false;
  state.heardLeaderAt = now;
  resetElectionTimer(state, now);
  const writes = keep(state, message.copy) ? [persisted(state)] : adopted;
  const answer = reply(from, { type: "lead_reply", term: state.term, sentAt, stamp: stampOf(state) });
  return [...writes, answer, ...confirm(state, message.agreed)];
}

function onLeadReply(
  state: ElectionState,
  from: string,
  message: MessageOf<"lead_reply">,
  now: number,
): ElectionEffect[] {
  if (message.term > state.term) return adoptHigherTerm(state, message.term, now);
  if (state.role !== "leader" || message.term < state.term) return [];
  return acknowledge(state, from, message, now);
}

/** Enters a higher term as a follower without a vote in it; nothing when `term` is not higher. */
function adoptHigherTerm(state: ElectionState, term: number, now: number): ElectionEffect[] {
  if (term <= state.term) return [];
  state.term = term;
  state.votedFor = null;
  // A timer that already runs goes on: an adopted term alone must not put the next campaign off.
  if (state.role === "leader") stepDown(state, now);
  state.role = "follower";
  state.leaderId = null;
  return [persisted(state)];
}

/** Stickiness: whoever hears its leader, or leads a majority, has no reason to hold an election. */
function followsLiveLeader(state: ElectionState, now: number): boolean {
  if (state.leaderRefused) return false;
  const heardAt = state.role === "leader" ? contactAt(state, now) : state.heardLeaderAt;
  return now - heardAt < state.timing.electionTimeoutMinMs;
}

function reply(to: string, message: ElectionMessage): ElectionEffect {
  return { type: "send", to, message };
}

export type { ElectionMessage } from "@ringrift/protocol";
export {
  createElection,
  type ElectionEffect,
  type ElectionOptions,
  type ElectionState,
  type PersistedVote,
  VotersError,
} from "./election-state.ts";
export { defaultElectionTiming } from "./election-timing.ts";
export { leaseHeld, mayWrite } from "./leadership.ts";
