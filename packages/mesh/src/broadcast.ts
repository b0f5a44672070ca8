import {
  encodeFrame,
  type Frame,
  type MemberFrame,
  maxMembersPerFrame,
  type ObservationFrame,
  type StatusFrame,
  type VerdictMemberFrame,
} from "@ringrift/protocol";
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
  for (const [index, part] of parts(members).entries()) {
    const frames = part.map(memberFrame);
    sendAll(links, { type: "status", ...head, members: frames, full: full && index === 0 });
  }
}

/** Shares what this server sees itself. */
export function sendObservations(links: readonly Link[], observations: readonly ObservationFrame[]): void {
  if (links.length === 0 || observations.length === 0) return;
  for (const part of parts(observations)) sendAll(links, { type: "observations", observations: part });
}

/** Declares, as the leader of `term`, what has become of some members. */
export function sendVerdict(
  links: readonly Link[],
  term: number,
  members: readonly VerdictMemberFrame[],
): void {
  if (links.length === 0 || members.length === 0) return;
  for (const part of parts(members)) sendAll(links, { type: "verdict", term, members: part });
}

/** Sends one frame to many, encoded once. */
export function sendAll(links: readonly Link[], frame: Frame): void {
  const text = encodeFrame(frame);
  for (const link of links) link.sendText(text);
}

function memberFrame({ lastSeenSeconds, ...member }: MemberView): MemberFrame {
  return { ...member, lastSeenMs: lastSeenSeconds === null ? null : Math.round(lastSeenSeconds * 1000) };
}

// Parts of one frame each; one empty part for an empty list, since a status says more than its members.
function parts<T>(list: readonly T[]): (readonly T[])[] {
  const result: (readonly T[])[] = [list.slice(0, maxMembersPerFrame)];
  for (let at = maxMembersPerFrame; at < list.length; at += maxMembersPerFrame)
    result.push(list.slice(at, at + maxMembersPerFrame));
  return result;
}
