import type { Fact } from "./invariant.ts";

/** Follows heartbeats and their answers from outside, in real time. */
export interface HeartbeatRecord {
  readonly see: (fact: Fact) => void;
  /** How many voters, the leader among them, have answered a heartbeat that left at `since` or later. */
  readonly answeredSince: (leader: string, since: number) => number;
}

export function createHeartbeatRecord(): HeartbeatRecord {
  /** Per leader: when the heartbeat left that carries this mark. */
  const leftAt = new Map<string, Map<number, number>>();
  /** Per leader: when the newest heartbeat left that each voter has answered. */
  const answered = new Map<string, Map<string, number>>();
  return {
    see: (fact) => {
      if (fact.type !== "sent" && fact.type !== "delivered") return;
      if (fact.packet.kind !== "election") return;
      const { message } = fact.packet;
      if (fact.type === "sent" && message.type === "lead")
        inner(leftAt, fact.from).set(message.sentAt, fact.at);
      if (fact.type !== "delivered" || message.type !== "lead_reply") return;
      const left = leftAt.get(fact.to)?.get(message.sentAt);
      const newest = inner(answered, fact.to);
      if (left !== undefined) newest.set(fact.from, Math.max(left, newest.get(fact.from) ?? left));
    },
    answeredSince: (leader, since) => {
      let count = 1;
      for (const left of answered.get(leader)?.values() ?? []) if (left >= since) count += 1;
      return count;
    },
  };
}

function inner<Key, Value>(outer: Map<string, Map<Key, Value>>, key: string): Map<Key, Value> {
  const known = outer.get(key);
  if (known !== undefined) return known;
  const made = new Map<Key, Value>();
  outer.set(key, made);
  return made;
}
