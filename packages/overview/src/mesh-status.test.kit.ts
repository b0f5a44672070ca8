import type { MemberView, MeshStatus } from "@ringrift/mesh";

/** A mesh led by server-1 of which nothing is amiss; `fields` say what matters to a test. */
export function meshStatus(fields: Partial<MeshStatus> = {}): MeshStatus {
  return {
    leaderId: "server-1",
    isLeader: true,
    term: 3,
    epoch: "0.3",
    quorum: { configured: true, held: true, have: 3, need: 2, voters: [] },
    elector: null,
    statusAgeSeconds: 0,
    leaseAgeMs: 10,
    agreed: null,
    massFailure: null,
    members: [],
    links: [],
    refused: {},
    refusedPeers: [],
    leadership: { availability: 1, windowSeconds: 3600, changes: 1 },
    warnings: [],
    proof: { kid: null, keyExpiresAt: null, keyringExpiresAt: null, certificateExpiresAt: null },
    dropped: {},
    ...fields,
  };
}

/** An agent that is heard; `fields` say what matters to a test. */
export function member(id: string, fields: Partial<MemberView> = {}): MemberView {
  return {
    id,
    role: "agent",
    link: "alive",
    lastSeenSeconds: 0.1,
    reason: "",
    accusers: [],
    version: "1",
    ...fields,
  };
}
