// core: pure
// The part of chrony's monitoring protocol that tells how the clock is kept. Numbers are in network order.
import type { TimeServiceAnswer } from "./clock.ts";

/** Where chronyd answers whoever is on its host, without a secret. */
export const chronyPort = 323;

const protocolVersion = 6;
const requestPacket = 1;
const replyPacket = 2;
const trackingRequest = 33;
const trackingReply = 5;
const replyBytes = 104;
/** Leap status of a clock that follows no source. */
const unsynchronised = 3;

/** A question is padded to the answer's length, so that nobody can be flooded by answers to small questions. */
export function chronyRequest(sequence: number): Uint8Array {
  const packet = new DataView(new ArrayBuffer(replyBytes));
  packet.setUint8(0, protocolVersion);
  packet.setUint8(1, requestPacket);
  packet.setUint16(4, trackingRequest);
  packet.setUint32(8, sequence);
  return new Uint8Array(packet.buffer);
}

/** Null for what is no answer to the question with that number, and for a refusal. */
export function parseChronyReply(reply: Uint8Array, sequence: number): TimeServiceAnswer | null {
  if (reply.byteLength < replyBytes) return null;
  const packet = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const isAnswer =
    packet.getUint8(0) === protocolVersion &&
    packet.getUint8(1) === replyPacket &&
    packet.getUint16(4) === trackingRequest &&
    packet.getUint16(6) === trackingReply &&
    packet.getUint16(8) === 0 &&
    packet.getUint32(16) === sequence;
  if (!isAnswer) return null;
  const synchronized = packet.getUint16(54) !== unsynchronised;
  if (!synchronized) return { synchronized, offsetSeconds: null, errorBoundSeconds: null };
  const [delay, dispersion] = [chronyFloat(packet.getInt32(92)), chronyFloat(packet.getInt32(96))];
  return {
    synchronized,
    // It tells by how much it still has to correct; a clock that is ahead is to be set back.
    offsetSeconds: -chronyFloat(packet.getInt32(68)) + 0,
    errorBoundSeconds: delay / 2 + dispersion,
  };
}

/** A signed exponent of 7 bits above a signed coefficient of 25 bits. */
function chronyFloat(bits: number): number {
  const exponent = bits >> 25;
  const coefficient = (bits << 7) >> 7;
  return coefficient * 2 ** (exponent - 25);
}
