// core: pure
// Reading variables by NTP's control messages (mode 6, RFC 9327), as ntpd and its kin answer them on their own host.
import { parseDecimal } from "../number-text.ts";
import type { TimeServiceAnswer } from "./clock.ts";

export const ntpPort = 123;

const headerBytes = 12;
const controlMode = 6;
const version = 2;
const readVariables = 2;
const responseBit = 0x80;
const errorBit = 0x40;
const names = "offset,rootdelay,rootdisp";
/** Leap indicator of a clock that follows no source. */
const unsynchronised = 3;

export function ntpRequest(sequence: number): Uint8Array {
  const wanted = new TextEncoder().encode(names);
  // Messages are padded to whole words.
  const packet = new DataView(new ArrayBuffer(headerBytes + Math.ceil(wanted.length / 4) * 4));
  packet.setUint8(0, (version << 3) | controlMode);
  packet.setUint8(1, readVariables);
  packet.setUint16(2, sequence & 0xffff);
  packet.setUint16(10, wanted.length);
  const bytes = new Uint8Array(packet.buffer);
  bytes.set(wanted, headerBytes);
  return bytes;
}

/** Null for what is no answer to the question with that number, and for a refusal. */
export function parseNtpReply(reply: Uint8Array, sequence: number): TimeServiceAnswer | null {
  if (reply.byteLength < headerBytes) return null;
  const packet = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const kind = packet.getUint8(1);
  const isAnswer =
    (packet.getUint8(0) & 7) === controlMode &&
    (kind & (responseBit | errorBit)) === responseBit &&
    (kind & 0x1f) === readVariables &&
    packet.getUint16(2) === (sequence & 0xffff) &&
    packet.getUint16(6) === 0;
  if (!isAnswer) return null;
  const synchronized = packet.getUint16(4) >> 14 !== unsynchronised;
  if (!synchronized) return { synchronized, offsetSeconds: null, errorBoundSeconds: null };
  const text = new TextDecoder("latin1").decode(reply.subarray(headerBytes));
  const [offset, delay, dispersion] = ["offset", "rootdelay", "rootdisp"].map((name) =>
    milliseconds(text, name),
  );
  return {
    synchronized,
    // It tells where the time is from here.
    offsetSeconds: typeof offset === "number" ? -offset + 0 : null,
    errorBoundSeconds:
      typeof delay === "number" && typeof dispersion === "number" ? delay / 2 + dispersion : null,
  };
}

function milliseconds(text: string, name: string): number | null {
  const value = new RegExp(`(?:^|[\\s,])${name}=\\+?(-?[\\d.]+)`).exec(text)?.[1];
  const number = parseDecimal(value);
  return number === null ? null : number / 1000;
}
