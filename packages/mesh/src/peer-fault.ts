const peerFaults = ["bad_frame", "frame_too_large", "fragments", "flood", "role"] as const;

/** What a peer did that ends its link and is counted as a refusal. */
export type PeerFault = (typeof peerFaults)[number];

/** What the peer did wrong, when the WebSocket library refused what came; null for an error of the network. */
export function faultOf(error: Error & { code?: string }): PeerFault | null {
  if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return "frame_too_large";
  if (error.code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") return "fragments";
  return error.code?.startsWith("WS_ERR_") ? "bad_frame" : null;
}

/** The faults among the reasons for which a link ends. */
export function isFault(end: string): end is PeerFault {
  return peerFaults.some((fault) => fault === end);
}
