import type { LinkState } from "@ringrift/protocol";
import { type Member, type MemberReason, newestCloseAt } from "./member.ts";

/** When an observer suspects a member and when it gives it up, milliseconds. */
export interface SuspicionTiming {
  /** Interval at which members send heartbeats. */
  readonly heartbeatMs: number;
  /** Heartbeats missed before a silent member is suspect. */
  readonly missedHeartbeats: number;
  /** From the limit of silence, or from a close that nobody else saw, to down. */
  readonly suspicionMs: number;
  /** From an abnormal close to down when enough servers saw it or the host refused a redial. */
  readonly reconnectGraceMs: number;
}

/**
 * Agents show signs of life this often per heartbeat, between which their process may have stopped unseen. Fewer, and a
 * stop of four seconds could not be told from one for ever within four and a half.
 */
export const pulsesPerHeartbeat = 4;

/** With a heartbeat a second: silent members are suspect after 3 s and down after 4.35 s. */
export const defaultSuspicionTiming: SuspicionTiming = {
  heartbeatMs: 1_000,
  missedHeartbeats: 3,
  suspicionMs: 1_350,
  reconnectGraceMs: 600,
};

/** Servers whose view of one close makes it the member's fault rather than a link's. */
const closeWitnesses = 2;

export interface Suspicion {
  readonly state: Extract<LinkState, "alive" | "suspect" | "down">;
  readonly reason: MemberReason;
}

/** What an observer may use of the time that passed. */
export interface Listening {
  /** The observer itself heard nothing before this instant: it was stopped or overloaded. */
  readonly since: number;
  /** Local-health multiplier, 1 to 8. */
  readonly stretch: number;
}

/** Judges one member by its evidence alone; the caller decides what to do with the answer. */
export function judge(member: Member, timing: SuspicionTiming, listening: Listening, now: number): Suspicion {
  const closedAt = accusingCloseAt(member, timing);
  if (closedAt !== null) {
    const proven = member.refused || member.closes.size >= Math.min(closeWitnesses, member.homes.length);
    const reason = member.refused ? "refused" : "close";
    const patienceMs = (proven ? timing.reconnectGraceMs : timing.suspicionMs) * listening.stretch;
    const waitedMs = now - Math.max(closedAt, listening.since);
    return { state: waitedMs >= patienceMs ? "down" : "suspect", reason };
  }
  const heardAt = Math.max(member.lastHeardAt, member.relayedAt);
  const silentMs = now - Math.max(heardAt, listening.since);
  const limitMs = timing.heartbeatMs * timing.missedHeartbeats * listening.stretch;
  // Who is accused is cleared by fresh news only, not by an old word that comes late or by more patience.
  const clearedMs = member.state === "alive" ? limitMs : timing.heartbeatMs;
  if (silentMs < clearedMs)
    return { state: "alive", reason: member.relayedAt > member.lastHeardAt ? "relayed" : "heard" };
  const down = silentMs >= limitMs + timing.suspicionMs * listening.stretch;
  return { state: down ? "down" : "suspect", reason: "silence" };
}

/**
 * The close that speaks against the member: none while a link is open, or once another server heard it well after. Where
 * every server saw one, whatever seems to have been heard later was only told late.
 */
function accusingCloseAt(member: Member, timing: SuspicionTiming): number | null {
  if (member.linked) return null;
  const closedAt = newestCloseAt(member);
  if (closedAt === null) return null;
  // Ages passed between servers are off by their delay, so a hearing this close to the close proves nothing.
  const heardAfterwards = member.relayedAt >= closedAt + timing.reconnectGraceMs / 3;
  const everyoneSawOne = member.closes.size >= member.homes.length;
  return heardAfterwards && !everyoneSawOne ? null : closedAt;
}
