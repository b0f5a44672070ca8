import type { LinkView } from "@ringrift/mesh";
import { writeExposition } from "@ringrift/metrics";
import { HealthCheckResult, statusMeshSchema } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { member, meshStatus } from "./mesh-status.test.kit.ts";
import { meshFamilies, meshView } from "./mesh-view.ts";

function link(peer: string, role: LinkView["role"], kid: string | null): LinkView {
  return { peer, role, direction: "in", kid, sinceSeconds: 60, heardSeconds: 0.2, waitingBytes: 0 };
}

const silent = { lastSeenSeconds: 1, reason: "heartbeats stopped" };
const mesh = meshStatus({
  leaseAgeMs: 120,
  agreed: { value: "much", stamp: "2.57", confirmed: false },
  leadership: { availability: 0.999, windowSeconds: 3_600, changes: 2 },
  massFailure: { ageSeconds: 2, suspects: 1, agents: 2 },
  quorum: { configured: true, held: true, have: 2, need: 2, voters: [] },
  members: [
    member("gpu-1", { ...silent, link: "suspect", accusers: ["server-1", "server-2"] }),
    member("gpu-2", { ...silent, link: "down", accusers: ["server-1"] }),
    member("gpu-3"),
  ],
  links: [
    ...Array.from({ length: 200 }, (_, index) => link(`gpu-${index}`, "agent", `k1/gpu-${index}`)),
    link("server-2", "server", "k1"),
  ],
  refused: { key: 3, duplicate_node: 1 },
  refusedPeers: [{ reason: "key", address: "10.0.0.9", nodeId: "gpu-9", kid: "k0", ageSeconds: 4 }],
  proof: { kid: "k1", keyExpiresAt: 2e9, keyringExpiresAt: 2e9, certificateExpiresAt: null },
});

const credentials = new HealthCheckResult({ status: "degraded", message: "soon", timestamp: 1 });

describe("the mesh in a status document", () => {
  it("says who misses whom and why, and shows links with servers before a bounded number of others", () => {
    const view = meshView(mesh, credentials);
    expect(statusMeshSchema.parse(view)).toEqual(view);
    expect(view.accusations.map(({ id, accusers, reason }) => [id, accusers, reason])).toEqual([
      ["gpu-1", ["server-1", "server-2"], "heartbeats stopped"],
      ["gpu-2", ["server-1"], "heartbeats stopped"],
    ]);
    expect(view.links).toHaveLength(100);
    expect(view.links[0]?.peer).toBe("server-2");
    expect(view.leaseAgeSeconds).toBe(0.12);
    expect(view.agreed).toEqual({ stamp: "2.57", confirmed: false });
    expect(meshView(meshStatus({ agreed: null }), null).agreed).toBeNull();
  });
});

describe("the mesh in metrics", () => {
  const text = writeExposition(meshFamilies(mesh, credentials), "text");

  it.each([
    "ringrift_leader_lease_age_seconds 0.12",
    "ringrift_leadership_availability_ratio 0.999",
    "ringrift_leader_changes_total 2",
    "ringrift_quorum_voters 2",
    "ringrift_mesh_mass_failure_suspects 1",
    'ringrift_mesh_accusations{accuser="server-1"} 2',
    'ringrift_mesh_links{role="agent"} 200',
    'ringrift_mesh_link_heard_age_seconds{direction="in",peer="server-2"} 0.2',
    'ringrift_mesh_refused_total{reason="key"} 3',
    'ringrift_mesh_credentials_status{status="degraded"} 1',
    'ringrift_mesh_credentials_status{status="healthy"} 0',
    "ringrift_mesh_key_expiry_timestamp_seconds 2e+09",
  ])("has %s", (line) => {
    expect(text.split("\n").map((each) => each.replace("2000000000", "2e+09"))).toContain(line);
  });

  it("counts the keys of 200 agents as the one that they come from, so that agents make no labels", () => {
    expect(text).toContain('ringrift_mesh_key_links{kid="k1"} 201');
    expect(text).not.toContain("gpu-");
  });

  it("has no sample for what there is not", () => {
    expect(text).not.toMatch(/^ringrift_mesh_certificate_expiry_timestamp_seconds /m);
  });
});
