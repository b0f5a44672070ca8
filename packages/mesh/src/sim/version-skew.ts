import { decodeFrame, encodeFrame, isRefused } from "@ringrift/protocol";
import type { ElectionMessage } from "../core/election.ts";

/** What comes of a frame: a message for the voter, nothing, or the end of the link. */
export type Reading = { readonly message: ElectionMessage } | "dropped" | "link ends";

/** An election message as this version reads it from a voter of the next, which adds a field that only it knows. */
export function readNewer(message: ElectionMessage): Reading {
  return read(encodeFrame({ type: "election", message: { ...message, ...{ novelty: 1 } } }));
}

/** A kind of message that only the next version knows. */
export function readUnknownKind(): Reading {
  return read(JSON.stringify({ type: "election", message: { type: "novelty", term: 1 } }));
}

/** As a link reads it. */
function read(text: string): Reading {
  const frame = decodeFrame(text);
  if (!isRefused(frame)) return frame.type === "election" ? { message: frame.message } : "dropped";
  return frame.refused === "unknown_type" ? "dropped" : "link ends";
}
