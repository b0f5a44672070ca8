// core: pure
import type { MeshStatus } from "@ringrift/mesh";
import { type MetricFamily, type MetricSample, singleValue, stateSet } from "@ringrift/metrics";
import { type HealthCheckResult, healthStatuses, maxMeshEntries, type StatusMesh } from "@ringrift/protocol";
import { counter, gauge, one, perWord } from "./samples.ts";

/** What an operator wants to know of the mesh. */
export function meshView(mesh: MeshStatus, credentials: HealthCheckResult | null): StatusMesh {
  return {
    leaseAgeSeconds: mesh.leaseAgeMs === null ? null : mesh.leaseAgeMs / 1000,
    leadership: mesh.leadership,
    massFailure: mesh.massFailure,
    agreed: mesh.agreed === null ? null : { stamp: mesh.agreed.stamp, confirmed: mesh.agreed.confirmed },
    accusations: mesh.members.filter(({ link }) => link !== "alive").slice(0, maxMeshEntries),
    links: [...serverLinks(mesh), ...mesh.links.filter(({ role }) => role === "agent")].slice(
      0,
      maxMeshEntries,
    ),
    refused: mesh.refused,
    refusedPeers: mesh.refusedPeers,
    warnings: mesh.warnings,
    proof: mesh.proof,
    credentials,
  };
}

/** The mesh in figures. Labels name servers, keys and fixed words only, so their number is bounded. */
export function meshFamilies(mesh: MeshStatus, credentials: HealthCheckResult | null): MetricFamily[] {
  const { availability, changes } = mesh.leadership;
  const { keyExpiresAt, certificateExpiresAt } = mesh.proof;
  const perServer = (value: (link: MeshStatus["links"][number]) => number): MetricSample[] =>
    serverLinks(mesh).map((link) => ({
      labels: { peer: link.peer, direction: link.direction },
      value: value(link),
    }));
  return [
    gauge(
      "ringrift_leader_lease_age_seconds",
      "Age of a majority's newest acknowledgement, on the leader only.",
      one(mesh.leaseAgeMs === null ? null : mesh.leaseAgeMs / 1000),
    ),
    gauge(
      "ringrift_leadership_availability_ratio",
      "Share of the last hour, or of the time since the start, with a known leader, 0 to 1.",
      one(availability),
    ),
    singleValue(
      "ringrift_leader_changes_total",
      "counter",
      "Leaders and terms that this node has seen take over.",
      changes,
    ),
    gauge("ringrift_quorum_voters", "Voters that are reached.", one(mesh.quorum.have)),
    gauge("ringrift_quorum_voters_needed", "Voters that make a quorum.", one(mesh.quorum.need)),
    gauge(
      "ringrift_mesh_mass_failure_suspects",
      "Agents that are suspect while a mass failure keeps this server from declaring them down; 0 without one.",
      one(mesh.massFailure?.suspects ?? 0),
    ),
    gauge(
      "ringrift_mesh_accusations",
      "Members that are not alive, by the server that misses them.",
      perWord(
        "accuser",
        tally(mesh.members.flatMap(({ link, accusers }) => (link === "alive" ? [] : accusers))),
      ),
    ),
    gauge(
      "ringrift_mesh_links",
      "Open links by role of the peer.",
      perWord("role", tally(mesh.links.map(({ role }) => role))),
    ),
    gauge(
      "ringrift_mesh_key_links",
      "Open links by the key that the peer signed with; keys of single agents count for the one they come from.",
      perWord("kid", tally(mesh.links.flatMap(({ kid }) => kid?.split("/")[0] ?? []))),
    ),
    gauge(
      "ringrift_mesh_link_age_seconds",
      "Age of each link with a server.",
      perServer(({ sinceSeconds }) => sinceSeconds),
    ),
    gauge(
      "ringrift_mesh_link_heard_age_seconds",
      "Time since each server was heard on its link.",
      perServer(({ heardSeconds }) => heardSeconds),
    ),
    gauge(
      "ringrift_mesh_link_waiting_bytes",
      "Bytes that each server has not taken yet.",
      perServer(({ waitingBytes }) => waitingBytes),
    ),
    gauge(
      "ringrift_mesh_key_expiry_timestamp_seconds",
      "When the key that signs now expires.",
      one(keyExpiresAt),
    ),
    gauge(
      "ringrift_mesh_certificate_expiry_timestamp_seconds",
      "When this node's certificate expires.",
      one(certificateExpiresAt),
    ),
    gauge(
      "ringrift_mesh_credentials_status",
      "Whether certificate and keyring last, 1 for the status they have; no sample for a node without.",
      credentials === null ? [] : stateSet(healthStatuses, credentials.status, {}, "status"),
    ),
    counter("ringrift_mesh_refused_total", "Peers refused, by reason.", "reason", mesh.refused),
  ];
}

function serverLinks(mesh: MeshStatus): MeshStatus["links"] {
  return mesh.links.filter(({ role }) => role === "server");
}

function tally(words: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}
