import type { ElectionMessage } from "./election-message.ts";
import type { ElectionTiming } from "./election-timing.ts";

export type ElectionRole = "follower" | "pre_candidate" | "candidate" | "leader";

/** What a voter must find again after a restart; losing it lets the voter vote twice in one term. */
export interface PersistedVote {
  readonly term: number;
  readonly votedFor: string | null;
}

export interface ElectionOptions {
  readonly self: string;
  /** Ids of all configured voters, `self` among them. */
  readonly voters: readonly string[];
  readonly timing: ElectionTiming;
  /** In [0, 1). */
  readonly random: () => number;
}

export type ElectionInput =
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: string; readonly message: ElectionMessage }
  /** `refused`: the peer's host answered a redial with "connection refused", so its process is gone. */
  | { readonly type: "link"; readonly peer: string; readonly up: boolean; readonly refused?: boolean }
  /** Hand leadership to another voter; nothing happens unless this voter leads. */
  | { readonly type: "transfer" };

/** Carried out strictly in order; nothing after a `persist` may start before it is on disk. */
export type ElectionEffect =
  | ({ readonly type: "persist" } & PersistedVote)
  | { readonly type: "send"; readonly to: string; readonly message: ElectionMessage }
  | {
      readonly type: "role";
      readonly role: ElectionRole;
      readonly leaderId: string | null;
      readonly term: number;
    };

/** One voter's state; only `step` changes it. */
export interface ElectionState {
  readonly self: string;
  readonly voters: readonly string[];
  readonly timing: ElectionTiming;
  readonly term: number;
  readonly votedFor: string | null;
  readonly role: ElectionRole;
  readonly leaderId: string | null;
}

/** A voter as it starts: follower, with what it had persisted (`{ term: 0, votedFor: null }` the first time). */
export function createElection(
  options: ElectionOptions,
  persisted: PersistedVote,
  _now: number,
): ElectionState {
  return { ...options, ...persisted, role: "follower", leaderId: null };
}

/** Advances the voter by one input; `now` is monotonic milliseconds. */
export function step(_state: ElectionState, _input: ElectionInput, _now: number): ElectionEffect[] {
  return [];
}

/** Whether this voter leads and may act at `now`; ask at the moment of each act, never earlier. */
export function leaseHeld(_state: ElectionState, _now: number): boolean {
  return false;
}

/** When the next tick matters; a later tick is safe, only slower. */
export function nextTickAt(_state: ElectionState): number {
  return 0;
}
