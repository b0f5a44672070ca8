import {
  type StatusDocument,
  type StatusMesh,
  statusMemberSchema,
  statusMeshSchema,
} from "@ringrift/protocol";
import { z } from "zod";
import { age, span, stateWord, table, tint } from "./table.ts";

/** The screen of `ringrift leader`. */
export function leaderScreen(status: StatusDocument): string {
  const { cluster, node } = status;
  const { quorum, mesh } = cluster;
  const lines = [
    `leader      ${cluster.leaderId ?? tint("none", "bad")}`,
    `epoch       ${cluster.epoch}  (elector ${cluster.elector}, known by ${node.id}, heard ${age(cluster.ageSeconds)})`,
    `quorum      ${quorum.held ? tint("● held", "ok") : tint("■ lost", "bad")}  ${quorum.have} of ${quorum.voters.length} voters reached, ${quorum.need} needed`,
  ];
  if (mesh !== undefined) lines.push(...leadershipLines(mesh));
  lines.push(
    "",
    table(
      ["VOTER", "REACHED"],
      quorum.voters.map(({ id, reachable }) => [id, reachable ? tint("● yes", "ok") : tint("■ no", "bad")]),
    ),
  );
  if (mesh !== undefined) lines.push(...linkLines(mesh), ...accusationLines(mesh), ...refusalLines(mesh));
  return lines.join("\n");
}

const membersSchema = z.object({
  members: z.array(statusMemberSchema),
  ageSeconds: z.number().nullable(),
  mesh: statusMeshSchema,
});

/** The screen of `ringrift members`. */
export function membersScreen(answer: unknown): string {
  const { members, ageSeconds, mesh } = membersSchema.parse(answer);
  return [
    table(
      ["MEMBER", "ROLE", "LINK", "HEARD", "WHY", "MISSED BY", "VERSION"],
      members.map(({ id, role, link, lastSeenSeconds, reason, accusers, version, retired }) => [
        id,
        role,
        retired == null ? stateWord(link) : tint(`○ ${link}, retired`, "dim"),
        age(lastSeenSeconds),
        reason,
        accusers.join(", "),
        version,
      ]),
    ),
    "",
    tint(`known ${age(ageSeconds)}`, "dim"),
    ...linkLines(mesh),
    ...refusalLines(mesh),
  ].join("\n");
}

function leadershipLines({
  leaseAgeSeconds,
  leadership,
  massFailure,
  agreed,
  proof,
  credentials,
  warnings,
}: StatusMesh): string[] {
  const { availability, windowSeconds, changes } = leadership;
  const share = availability === null ? "unknown" : `${(availability * 100).toFixed(2)} %`;
  const lines = [
    `leadership  ${share} of the last ${span(windowSeconds)} or since the start, ${changes} ${changes === 1 ? "change" : "changes"}`,
  ];
  if (massFailure != null)
    lines.push(
      `${tint("suspects", "warn")}    ${massFailure.suspects} of ${massFailure.agents} agents at once, ${span(massFailure.ageSeconds)} ago: nobody is declared down for half a minute`,
    );
  if (agreed != null) lines.push(`agreed      ${agreedWord(agreed)}`);
  if (leaseAgeSeconds !== null)
    lines.unshift(`lease       renewed ${Math.round(leaseAgeSeconds * 1000)} ms ago`);
  if (proof.kid !== null) lines.push(`key         ${proof.kid}${expiry(proof.keyExpiresAt)}`);
  if (proof.certificateExpiresAt !== null) lines.push(`certificate${expiry(proof.certificateExpiresAt)}`);
  if (credentials !== null && credentials.status !== "healthy")
    lines.push(`credentials ${stateWord(credentials.status)}  ${credentials.message}`);
  lines.push(...warnings.map((warning) => `${tint("warning", "warn")}     ${warning}`));
  return lines;
}

function agreedWord({ stamp, confirmed }: NonNullable<StatusMesh["agreed"]>): string {
  const what = stamp === "0.0" ? "nothing yet" : confirmed ? `${stamp} is the newest` : stamp;
  return confirmed ? what : `${what}  ${tint("as last known here, not confirmed", "warn")}`;
}

function expiry(at: number | null): string {
  return at === null ? "" : `  until ${new Date(at * 1000).toISOString()}`;
}

/** Links with servers; those of agents are as many as there are agents. */
function linkLines({ links }: StatusMesh): string[] {
  const servers = links.filter(({ role }) => role === "server");
  if (servers.length === 0) return [];
  const rows = servers.map(({ peer, direction, kid, sinceSeconds, heardSeconds, waitingBytes, says }) => [
    peer,
    direction === "out" ? "dialled" : "taken",
    age(sinceSeconds),
    age(heardSeconds),
    says == null ? "" : (says.leaderId ?? tint("nobody", "bad")),
    says == null ? "" : says.epoch,
    says?.quorum == null ? "" : `${says.quorum.have}, ${says.quorum.need} needed`,
    String(waitingBytes),
    kid ?? "",
  ]);
  return [
    "",
    table(
      ["LINK WITH", "", "OPEN SINCE", "HEARD", "NAMES", "IN EPOCH", "REACHES", "BYTES WAITING", "KEY"],
      rows,
    ),
  ];
}

function accusationLines({ accusations }: StatusMesh): string[] {
  if (accusations.length === 0) return [];
  const rows = accusations.map(({ id, link, reason, accusers }) => [
    id,
    stateWord(link),
    accusers.join(", "),
    reason,
  ]);
  return ["", table(["MISSED", "LINK", "BY", "WHY"], rows)];
}

function refusalLines({ refused, refusedPeers }: StatusMesh): string[] {
  const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`);
  if (reasons.length === 0) return [];
  const rows = refusedPeers.map(({ reason, address, nodeId, kid, ageSeconds }) => [
    reason,
    address,
    nodeId ?? "?",
    kid ?? "",
    age(ageSeconds),
  ]);
  const newest = rows.length === 0 ? [] : [table(["REFUSED", "FROM", "CLAIMS TO BE", "KEY", "WHEN"], rows)];
  return ["", `refused since the start: ${reasons.join(", ")}`, ...newest];
}
