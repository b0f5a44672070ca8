import type { AgreedCopy, AgreedStamp } from "@ringrift/protocol";
import type { ElectionEffect, ElectionState } from "./election-state.ts";
import { majority } from "./quorum.ts";

// One value that the voters agree on, carried by the messages of the election: not a log, so any voter that a majority elects
// can lead. A vote brings the voter's copy, so a winner has the newest copy of a majority, and with it every value that a
// majority ever held. It restores that copy in its own term, and acts as leader only once a majority holds it again. Voters
// that voted in a term refuse what leaders of lower terms write.

/** The copy of a voter that never heard of a value. */
export const noCopy: AgreedCopy = { term: 0, version: 0, value: "" };

/** Negative when `a` was written before `b`: a later term outranks any version. */
export function compareStamps(a: AgreedStamp, b: AgreedStamp): number {
  return a.term - b.term || a.version - b.version;
}

/** The stamp as messages carry it: absent for a voter without a copy. */
export function stampOf({ copy }: ElectionState): AgreedStamp | undefined {
  return copy.term === 0 ? undefined : { term: copy.term, version: copy.version };
}

/** What a voter must have on disk from here on. */
export function persisted({ term, votedFor, copy }: ElectionState): ElectionEffect {
  return { type: "persist", term, votedFor, ...(copy.term === 0 ? {} : { copy }) };
}

/** The voter's copy where it is newer than the one that the candidate asks with. */
export function newerThan({ copy }: ElectionState, asked: AgreedStamp = noCopy): AgreedCopy | undefined {
  return compareStamps(copy, asked) > 0 ? copy : undefined;
}

/** A candidate hears a copy with a vote. */
export function gather(state: ElectionState, copy: AgreedCopy | undefined): void {
  if (copy !== undefined && compareStamps(copy, state.newest) > 0) state.newest = copy;
}

/** The winner makes the newest copy its own, in its own term. */
export function restore(state: ElectionState): ElectionEffect[] {
  state.holders = new Map();
  state.restored = state.newest.term === 0;
  state.confirmed = state.restored;
  if (state.restored) return [];
  state.copy = { ...state.newest, term: state.term };
  return [persisted(state), ...confirmByMajority(state, 0)];
}

/** Takes the leader's copy; true when it has to be on disk before the leader is answered. */
export function keep(state: ElectionState, copy: AgreedCopy | undefined): boolean {
  if (copy === undefined || compareStamps(copy, state.copy) <= 0) return false;
  state.copy = copy;
  state.confirmed = false;
  return true;
}

/** The leader says what a majority holds. */
export function confirm(state: ElectionState, agreed: AgreedStamp | undefined): ElectionEffect[] {
  if (agreed === undefined || state.confirmed || compareStamps(agreed, state.copy) !== 0) return [];
  state.confirmed = true;
  return [{ type: "agreed", copy: state.copy }];
}

/** What a heartbeat to this voter carries of the value. */
export function valueFor(
  state: ElectionState,
  to: string,
): { readonly copy?: AgreedCopy; readonly agreed?: AgreedStamp } {
  const stamp = stampOf(state);
  if (stamp === undefined) return {};
  return {
    ...(state.holders.has(to) ? {} : { copy: state.copy }),
    ...(state.confirmed ? { agreed: stamp } : {}),
  };
}

/** A voter answered the heartbeat of `sentAt` with the stamp of what it holds. */
export function countHolder(
  state: ElectionState,
  from: string,
  stamp: AgreedStamp | undefined,
  sentAt: number,
  now: number,
): ElectionEffect[] {
  if (state.copy.term === 0) return stamp === undefined ? [] : revoke(state);
  if (sentAt < (state.holders.get(from) ?? sentAt)) return [];
  // Who held it and holds it no more has lost its disk, and needs it anew.
  if (compareStamps(stamp ?? noCopy, state.copy) !== 0) state.holders.delete(from);
  else state.holders.set(from, sentAt);
  return confirmByMajority(state, now);
}

/**
 * Somebody has a copy of which no voter of this leader's majority knows: the write of an earlier leader that failed. Left there, it
 * would come back whenever its voter leads; so the empty value is written over it.
 */
function revoke(state: ElectionState): ElectionEffect[] {
  state.copy = { term: state.term, version: 0, value: "" };
  state.confirmed = false;
  return [persisted(state), ...confirmByMajority(state, 0)];
}

/** Writes a value in place of the one that is agreed; nothing unless that one is, since two writes could pass one another. */
export function replace(state: ElectionState, value: string): ElectionEffect[] {
  state.copy = { term: state.term, version: state.copy.version + 1, value };
  state.confirmed = false;
  state.holders = new Map();
  return [persisted(state), ...confirmByMajority(state, 0)];
}

/**
 * An answer counts for as long as its voter cannot have lost its disk and joined again without the copy: a newcomer waits for
 * longer before it asks a majority for theirs.
 */
function confirmByMajority(state: ElectionState, now: number): ElectionEffect[] {
  if (state.confirmed) return [];
  const since = now - state.timing.electionTimeoutMinMs;
  const holding = [...state.holders.values()].filter((sentAt) => sentAt > since).length;
  if (1 + holding < majority(state.voters.length)) return [];
  state.confirmed = true;
  state.restored = true;
  return [{ type: "agreed", copy: state.copy }];
}
