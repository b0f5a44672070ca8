import type { LinkState, NodeRole } from "@ringrift/protocol";

/** Orders the lives of one node: a restart has a newer `boot`, a refutation a higher `counter`. */
export interface Incarnation {
  readonly boot: number;
  readonly counter: number;
}

/** Negative when `a` is the older life, 0 when they are the same, positive when `a` is the newer. */
export function compareIncarnations(a: Incarnation, b: Incarnation): number {
  return a.boot - b.boot || a.counter - b.counter;
}

/** Why a member has its state; `silence`, `close` and `refused` are accusations, `flapping` is the cluster's word only, `other` that of a newer version. */
export type MemberReason =
  | "heard"
  | "relayed"
  | "silence"
  | "close"
  | "refused"
  | "leave"
  | "flapping"
  | "other";

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
  /** Whether this observer has an open link to it. */
  readonly linked: boolean;
  /** When this observer last heard it itself; -Infinity when never. */
  readonly lastHeardAt: number;
  /** When another server last heard it, as far as this observer was told; -Infinity when never. */
  readonly relayedAt: number;
  /** Abnormal closes that the member has not come back from, by the server that saw them. */
  readonly closes: ReadonlyMap<string, number>;
  /** Its host refused a connection to its port. */
  readonly refused: boolean;
}

/** When the newest close that anyone saw happened; null when nobody saw one. */
export function newestCloseAt(member: Member): number | null {
  return member.closes.size === 0 ? null : Math.max(...member.closes.values());
}
