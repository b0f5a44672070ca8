import type { AgreedCopy, LinkState } from "@ringrift/protocol";
import type { PersistedVote } from "../core/election.ts";
import type { Epoch } from "../core/epoch.ts";
import type { Packet } from "./packet.ts";

/** Something that happened in a run, as an outsider sees it: what left a node or reached its disk, not what it thought. */
export type Fact =
  | {
      readonly type: "sent";
      readonly at: number;
      readonly from: string;
      readonly to: string;
      readonly packet: Packet;
    }
  | { readonly type: "delivered"; readonly from: string; readonly to: string; readonly packet: Packet }
  | { readonly type: "vote_on_disk"; readonly voter: string; readonly vote: PersistedVote }
  /** The voter knows that a majority holds this copy. */
  | { readonly type: "agreed"; readonly voter: string; readonly copy: AgreedCopy }
  /** Its data directory is lost, and with it all that it knew. */
  | { readonly type: "wiped"; readonly voter: string }
  /** The voter calls itself the leader of `term`. */
  | { readonly type: "leads"; readonly voter: string; readonly term: number }
  /** After every step: who may act as leader at this instant. */
  | {
      readonly type: "instant";
      readonly at: number;
      readonly leaseHolders: readonly string[];
      /** Who calls itself leader and has run without a pause, and led, since when. */
      readonly leaders: readonly { readonly id: string; readonly since: number }[];
    }
  /** From here on faults touch only this minority, and `leader` leads the rest. */
  | { readonly type: "settled"; readonly leader: string }
  | { readonly type: "command_accepted"; readonly receiver: string; readonly epoch: Epoch }
  /** Terms before and after a voter was told the cluster's status. */
  | { readonly type: "status_heard"; readonly voter: string; readonly before: number; readonly after: number }
  /** A voter's whole state before and after a packet of someone outside the configuration, and what it did about it. */
  | {
      readonly type: "stranger_heard";
      readonly voter: string;
      readonly before: string;
      readonly after: string;
      readonly effects: number;
    }
  | { readonly type: "queue"; readonly name: string; readonly length: number; readonly limit: number }
  /** How the run ended: milliseconds from the end of all faults, null where it did not come to it. */
  | { readonly type: "healed"; readonly leaderAfterMs: number | null; readonly agreedAfterMs: number | null }
  /** A server lists a member so; `live`: its process runs, or is stopped for a moment. */
  | {
      readonly type: "listed";
      readonly at: number;
      readonly server: string;
      readonly member: string;
      readonly state: LinkState;
      readonly live: boolean;
    }
  /** What all servers list a member as, so long after it died, or came back in a new life. */
  | {
      readonly type: "crash_settled" | "refutation_settled";
      readonly member: string;
      readonly afterMs: number;
      readonly listed: readonly (LinkState | undefined)[];
    };

/** Watches one run: what is wrong after this fact, or null. */
type Watch = (fact: Fact) => string | null;

export interface Invariant {
  readonly name: string;
  readonly sees: readonly Fact["type"][];
  readonly watch: () => Watch;
}

/** Hands each fact to the invariants that want it; the first violation stays. */
export interface Judge {
  readonly see: (fact: Fact) => void;
  readonly wants: (type: Fact["type"]) => boolean;
  readonly violation: () => { readonly invariant: string; readonly detail: string } | null;
}

export function createJudge(invariants: readonly Invariant[]): Judge {
  const watches = new Map<Fact["type"], { readonly name: string; readonly watch: Watch }[]>();
  for (const { name, sees, watch: start } of invariants) {
    const watch = start();
    for (const type of sees) watches.set(type, [...(watches.get(type) ?? []), { name, watch }]);
  }
  let violation: { invariant: string; detail: string } | null = null;
  return {
    see: (fact) => {
      for (const { name, watch } of watches.get(fact.type) ?? []) {
        const detail = watch(fact);
        if (detail !== null) violation ??= { invariant: name, detail };
      }
    },
    wants: (type) => watches.has(type),
    violation: () => violation,
  };
}
