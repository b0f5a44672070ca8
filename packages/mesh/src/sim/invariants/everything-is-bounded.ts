import type { Invariant } from "../invariant.ts";

/** Bytes of one packet between voters; the limit of the real link is higher. */
const maxPacketBytes = 64 * 1024;
/** Of the packets that are all alike, one in this many is measured. */
const sample = 32;

export const everythingIsBounded: Invariant = {
  name: "every packet and every queue keeps its bound",
  sees: ["sent", "queue"],
  watch: () => {
    let count = 0;
    return (fact) => {
      if (fact.type === "queue")
        return fact.length > fact.limit ? `${fact.name} holds ${fact.length} of at most ${fact.limit}` : null;
      if (fact.type !== "sent") return null;
      count += 1;
      if (fact.packet.kind === "election" && count % sample !== 0) return null;
      const { length } = JSON.stringify(fact.packet);
      return length > maxPacketBytes ? `${fact.from} sends ${length} bytes at once` : null;
    };
  },
};
