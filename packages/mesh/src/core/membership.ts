import type { LinkState, NodeRole } from "@ringrift/protocol";

/** Orders the lives of one node: a restart has a newer `boot`, a refutation a higher `counter`. */
export interface Incarnation {
  readonly boot: number;
  readonly counter: number;
}

/** Why a member has its state; `silence`, `close` and `refused` are accusations. */
export type MemberReason = "heard" | "relayed" | "silence" | "close" | "refused" | "leave";

/** One member as one observer sees it; instants are on the observer's clock. */
export interface Member {
  readonly id: string;
  readonly role: NodeRole;
  readonly incarnation: Incarnation;
  /** Servers that should see it. */
  readonly homes: readonly string[];
  readonly state: LinkState;
  readonly reason: MemberReason;
  /** Who said so: the observer itself or the server whose observation decided. */
  readonly accuser: string;
  readonly since: number;
  readonly lastHeardAt: number;
  readonly closedAt: number | null;
}

/** What one server tells another about a member; ages instead of instants, since clocks differ. */
export interface Observation {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: Incarnation;
  readonly homes: readonly string[];
  readonly state: LinkState;
  readonly reason: MemberReason;
  readonly heardMsAgo: number;
  /** Age of the abnormal close that the member has not come back from. */
  readonly closedMsAgo: number | null;
}

export interface MembershipTiming {
  /** Interval at which members send heartbeats. */
  readonly heartbeatMs: number;
  /** Heartbeats missed before a silent member is suspect. */
  readonly missedHeartbeats: number;
  /** From suspect to down when nothing but silence or one close is known. */
  readonly suspicionMs: number;
  /** From an abnormal close to down when enough servers saw it or the host refused a redial. */
  readonly reconnectGraceMs: number;
}

export interface MembershipOptions {
  /** Id of the observing server. */
  readonly self: string;
  /** Ids of all configured servers. */
  readonly servers: readonly string[];
  readonly timing: MembershipTiming;
}

export type MembershipInput =
  /** A link to or from the member is open and authenticated. `homes`: servers it dials, unset = all. */
  | {
      readonly type: "hello";
      readonly member: string;
      readonly role: NodeRole;
      readonly incarnation: Incarnation;
      readonly homes?: readonly string[];
    }
  | { readonly type: "heartbeat"; readonly member: string; readonly incarnation: Incarnation }
  /** The link ended without a leave. */
  | { readonly type: "close"; readonly member: string; readonly incarnation: Incarnation }
  /** The member's host refused a connection to its advertised port. */
  | { readonly type: "refused"; readonly member: string; readonly incarnation: Incarnation }
  | { readonly type: "leave"; readonly member: string; readonly incarnation: Incarnation }
  /** What another server observes of some member. */
  | { readonly type: "observation"; readonly from: string; readonly observation: Observation }
  /** `loopLagMs`: how late the observer's own event loop ran lately. */
  | { readonly type: "tick"; readonly loopLagMs?: number };

export interface MemberTransition {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: Incarnation;
  readonly from: LinkState | null;
  readonly to: LinkState;
  readonly reason: MemberReason;
  readonly accuser: string;
}

export interface MembershipResult {
  readonly transitions: readonly MemberTransition[];
  /** False when the input came from an older life of the member: close that link, count it. */
  readonly accepted: boolean;
}

/** One observer's view of every member; only `observe` changes it. */
export interface Membership {
  readonly self: string;
  readonly servers: readonly string[];
  readonly timing: MembershipTiming;
  readonly members: ReadonlyMap<string, Member>;
  /** A mass failure is held back: nobody is newly down, and it is one incident, not many. */
  readonly held: boolean;
}

export function createMembership(options: MembershipOptions, _now: number): Membership {
  return { ...options, members: new Map(), held: false };
}

/** Advances the view by one input; `now` is monotonic milliseconds. */
export function observe(_view: Membership, _input: MembershipInput, _now: number): MembershipResult {
  return { transitions: [], accepted: true };
}

/** What to share with the other servers: members that this server should see itself. */
export function observations(_view: Membership, _now: number): Observation[] {
  return [];
}
