import type { LinkState, NodeRole } from "@ringrift/protocol";
import type { Incarnation, MemberReason } from "./member.ts";

/** What one server tells another about a member; ages instead of instants, since clocks differ. */
export interface Observation {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: Incarnation;
  readonly homes: readonly string[];
  readonly state: LinkState;
  readonly reason: MemberReason;
  /** Null when the teller never heard it itself. */
  readonly heardMsAgo: number | null;
  /** Age of the abnormal close that the member has not come back from at the teller. */
  readonly closedMsAgo: number | null;
}

export type MembershipInput =
  /** A link with the member is open and authenticated. `homes`: servers it dials; unset, all other servers. */
  | {
      readonly type: "hello";
      readonly member: string;
      readonly role: NodeRole;
      readonly incarnation: Incarnation;
      readonly homes?: readonly string[];
    }
  | { readonly type: "heartbeat"; readonly member: string; readonly incarnation: Incarnation }
  /** The last link with the member ended without a leave. */
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
  /** Null for a member that was not known. */
  readonly from: LinkState | null;
  readonly to: LinkState;
  readonly reason: MemberReason;
  readonly accuser: string;
}

/** Why an input changed nothing: an older life, a member nobody introduced, one that left, or no room. */
export type Refusal = "stale" | "unknown" | "left" | "full";

export interface MembershipResult {
  readonly transitions: readonly MemberTransition[];
  /** Not null: count it, and close the link that it came from. */
  readonly refusal: Refusal | null;
}
