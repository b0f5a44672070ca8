import type { AgreedStamp } from "@ringrift/protocol";
import type { ElectionEffect, ElectionState } from "./election-state.ts";
import { majority } from "./quorum.ts";
import { countHolder, replace, restore, valueFor } from "./register.ts";

// A leader's duties: heartbeats, the check that a majority still answers, the lease, and leaving in good order.

export function becomeLeader(state: ElectionState, now: number): ElectionEffect[] {
  state.role = "leader";
  state.leaderId = state.self;
  state.leaderRefused = false;
  state.ledSince = now;
  state.lastSentAt = now;
  state.acked = new Map();
  // An earlier leader's lease rests on a majority's acknowledgements, so one of the voters here gave one of them.
  // Once all of these have been quiet for the shortest election time-out, that lease has run out.
  state.leaseFrom = Math.max(...state.votes.values()) + state.timing.electionTimeoutMinMs;
  return [...restore(state), ...sendHeartbeats(state, now)];
}

/** Sends the next round, or steps down when a majority has left whole rounds unanswered. */
export function lead(state: ElectionState, now: number): ElectionEffect[] {
  if (now < state.heartbeatDueAt) return [];
  const unansweredMs = state.lastSentAt - contactAt(state, now);
  if (unansweredMs >= state.timing.electionTimeoutMinMs) {
    stepDown(state, now);
    return [];
  }
  return sendHeartbeats(state, now);
}

/** Back to follower in the same term; the next campaign is a full random time-out away. */
export function stepDown(state: ElectionState, now: number): void {
  state.role = "follower";
  state.leaderId = null;
  resetElectionTimer(state, now);
}

export function resetElectionTimer(state: ElectionState, now: number): void {
  const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = state.timing;
  state.electionDueAt = now + min + state.random() * (max - min);
}

/** `sentAt` came back from a voter of this leader's term; one from before this leadership or from the future is not ours. */
export function acknowledge(
  state: ElectionState,
  from: string,
  { sentAt, stamp }: { readonly sentAt: number; readonly stamp?: AgreedStamp | undefined },
  now: number,
): ElectionEffect[] {
  if (sentAt < state.ledSince || sentAt > now) return [];
  state.acked.set(from, Math.max(sentAt, state.acked.get(from) ?? sentAt));
  return countHolder(state, from, stamp, sentAt, now);
}

/** Whether this voter may write a value at `now`: it leads, and no other write is under way. */
export function mayWrite(state: ElectionState, now: number): boolean {
  return leaseHeld(state, now) && state.confirmed;
}

/** Writes a value and tells everyone at once; nothing where it may not. */
export function write(state: ElectionState, value: string, now: number): ElectionEffect[] {
  return mayWrite(state, now) ? [...replace(state, value), ...sendHeartbeats(state, now)] : [];
}

/** Hands over to the voter that answered last, and leads no longer from this instant. */
export function transfer(state: ElectionState, now: number): ElectionEffect[] {
  if (state.role !== "leader") return [];
  const heir = bestConnected(state, now);
  if (heir === undefined) return [];
  // Leading on until the heir wins would leave two lease holders when `timeout_now` arrives late.
  stepDown(state, now);
  return [{ type: "send", to: heir, message: { type: "timeout_now", term: state.term } }];
}

/** Whether this voter leads and may act at `now`; ask at the moment of each act, never earlier. */
export function leaseHeld(state: ElectionState, now: number): boolean {
  if (state.role !== "leader" || !state.restored || now < state.leaseFrom) return false;
  return now < majorityAckedAt(state, now) + state.timing.leaseMs;
}

/** Voters that answered this leader within the shortest election time-out, itself among them. */
function connectedVoters(state: ElectionState, now: number): string[] {
  const since = now - state.timing.electionTimeoutMinMs;
  return state.voters.filter((id) => ackedAt(state, id, now) > since);
}

/** When a majority was last known to follow this leader. */
export function contactAt(state: ElectionState, now: number): number {
  return Math.max(majorityAckedAt(state, now), state.ledSince);
}

/** Send time of the newest heartbeat that a majority acknowledged: counting from its answer would make the lease too long. */
function majorityAckedAt(state: ElectionState, now: number): number {
  const newestFirst = state.voters.map((id) => ackedAt(state, id, now)).sort((a, b) => b - a);
  return newestFirst[majority(state.voters.length) - 1] ?? Number.NEGATIVE_INFINITY;
}

function ackedAt(state: ElectionState, id: string, now: number): number {
  return id === state.self ? now : (state.acked.get(id) ?? Number.NEGATIVE_INFINITY);
}

function bestConnected(state: ElectionState, now: number): string | undefined {
  return connectedVoters(state, now)
    .filter((id) => id !== state.self && !state.downLinks.has(id))
    .sort((a, b) => ackedAt(state, b, now) - ackedAt(state, a, now))[0];
}

function sendHeartbeats(state: ElectionState, now: number): ElectionEffect[] {
  state.heartbeatDueAt = now + state.timing.heartbeatMs;
  state.lastSentAt = now;
  return state.voters
    .filter((id) => id !== state.self)
    .map((to) => ({
      type: "send",
      to,
      message: { type: "lead", term: state.term, sentAt: now, ...valueFor(state, to) },
    }));
}
