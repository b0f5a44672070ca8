import { decodeFrame, encodeFrame, isRefused } from "@ringrift/protocol";
import type { Packet } from "./packet.ts";

/**
 * A packet as a voter of this version reads it when one of the next version has written it, with a field that
 * only the next version knows. Null: dropped.
 */
export function skewed(packet: Packet): Packet | null {
  if (packet.kind !== "election") return packet;
  const message = { ...packet.message, novelty: 1 };
  const frame = decodeFrame(encodeFrame({ type: "election", message }));
  return isRefused(frame) || frame.type !== "election" ? null : { kind: "election", message: frame.message };
}
