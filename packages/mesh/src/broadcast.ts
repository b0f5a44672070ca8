import {
  encodeFrame,
  type Frame,
  type MemberFrame,
  maxFrameBytes,
  maxMembersPerFrame,
  type ObservationFrame,
  type StatusFrame,
  type VerdictMemberFrame,
} from "@ringrift/protocol";
import { kindOf } from "./frame-budget.ts";
import type { Link } from "./link.ts";
import type { MemberView } from "./mesh.ts";

/** What a status says besides the members. */
export type StatusHead = Omit<StatusFrame, "type" | "members" | "full">;

/** Tells agents who leads and which members changed; with `full`, that there are no others. */
export function sendStatus(
  links: readonly Link[],
  head: StatusHead,
  members: readonly MemberView[],
  full: boolean,
): void {
  if (links.length === 0) return;
  const frames = members.map(memberFrame);
  sendParts(links, frames, (part, first) => ({
    type: "status",
    ...head,
    members: part,
    full: full && first,
  }));
}

/** Shares what this server sees itself. */
export function sendObservations(links: readonly Link[], observations: readonly ObservationFrame[]): void {
  if (links.length === 0 || observations.length === 0) return;
  sendParts(links, observations, (part) => ({ type: "observations", observations: part }));
}

/** Declares, as the leader of `term`, what has become of some members. */
export function sendVerdict(
  links: readonly Link[],
  term: number,
  members: readonly VerdictMemberFrame[],
): void {
  if (links.length === 0 || members.length === 0) return;
  sendParts(links, members, (part) => ({ type: "verdict", term, members: part }));
}

/** Sends one frame to many, encoded once. */
export function sendAll(links: readonly Link[], frame: Frame): void {
  if (links.length > 0) sendText(links, frame, encodeFrame(frame));
}

function sendText(links: readonly Link[], frame: Frame, text: string): void {
  const kind = kindOf(frame);
  for (const link of links) link.sendText(kind, text);
}

function memberFrame({ lastSeenSeconds, ...member }: MemberView): MemberFrame {
  return { ...member, lastSeenMs: lastSeenSeconds === null ? null : Math.round(lastSeenSeconds * 1000) };
}

/** Sends a list in as many frames as it takes; an empty one in one, since a status says more than its members. */
function sendParts<T>(
  links: readonly Link[],
  list: readonly T[],
  frameOf: (part: readonly T[], first: boolean) => Frame,
  first = true,
): void {
  if (list.length > maxMembersPerFrame) {
    sendParts(links, list.slice(0, maxMembersPerFrame), frameOf, first);
    sendParts(links, list.slice(maxMembersPerFrame), frameOf, false);
    return;
  }
  const frame = frameOf(list, first);
  const text = encodeFrame(frame);
  // Long names and reasons may fill a frame with fewer members.
  if (list.length > 1 && Buffer.byteLength(text) > maxFrameBytes) {
    const half = Math.ceil(list.length / 2);
    sendParts(links, list.slice(0, half), frameOf, first);
    sendParts(links, list.slice(half), frameOf, false);
  } else sendText(links, frame, text);
}
