// core: pure
import type { FrameType, NodeRole } from "@ringrift/protocol";

const fromAgents: ReadonlySet<FrameType> = new Set(["heartbeat", "report", "clock_query", "leave"]);
const betweenServers: ReadonlySet<FrameType> = new Set([
  "heartbeat",
  "report",
  "leave",
  "election",
  "observations",
  "verdict",
  "propose",
  "proposed",
]);
const toAgents: ReadonlySet<FrameType> = new Set(["status", "clock_reply", "leave"]);
const none: ReadonlySet<FrameType> = new Set();

/** Whether a peer of role `from` may send such a frame to one of role `to` on a link that both have authenticated. */
export function maySend(from: NodeRole, to: NodeRole, type: FrameType): boolean {
  return allowed(from, to).has(type);
}

function allowed(from: NodeRole, to: NodeRole): ReadonlySet<FrameType> {
  if (from === "server") return to === "server" ? betweenServers : toAgents;
  return to === "server" ? fromAgents : none;
}
