import type { StatusDocument, StatusMesh } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { leaderScreen, membersScreen } from "./mesh-screens.ts";

const mesh: StatusMesh = {
  leaseAgeSeconds: 0.05,
  leadership: { availability: 1, windowSeconds: 3_600, changes: 1 },
  accusations: [],
  links: [
    {
      peer: "server-2",
      role: "server",
      direction: "out",
      kid: "k1",
      sinceSeconds: 30,
      heardSeconds: 0.1,
      says: { leaderId: null, epoch: "1.7", quorum: { have: 1, need: 2 } },
      waitingBytes: 0,
    },
  ],
  refused: { key: 2 },
  refusedPeers: [{ reason: "key", address: "10.0.0.9", nodeId: null, kid: "old", ageSeconds: 5 }],
  warnings: [],
  proof: { kid: "k1", keyExpiresAt: null, keyringExpiresAt: null, certificateExpiresAt: null },
  credentials: {
    status: "degraded",
    message: "the certificate expires in 9.0 days",
    details: {},
    timestamp: 1,
  },
};

describe("the screen of the members", () => {
  it("marks a retired member, whose link is nobody's worry", () => {
    const member = { id: "gpu-1", role: "agent", link: "down", lastSeenSeconds: 9, version: "1.2" };
    const retired = { reason: "sent back", at: 1 };
    const members = [{ ...member, reason: "silent", accusers: [], retired }];
    expect(membersScreen({ members, ageSeconds: 0, mesh })).toMatch(/^gpu-1 +agent +○ down, retired /m);
  });

  it("says who misses a member and why, and who was refused", () => {
    const member = { id: "gpu-1", role: "agent", link: "down", lastSeenSeconds: 9, version: "1.2" };
    const screen = membersScreen({
      members: [{ ...member, reason: "heartbeats stopped", accusers: ["server-1", "server-2"] }],
      ageSeconds: 0,
      mesh,
    });
    expect(screen).toMatch(/gpu-1 +agent +■ down +9\.0 s ago +heartbeats stopped +server-1, server-2 +1\.2/);
    expect(screen).toMatch(/server-2 +dialled .* nobody +1\.7 +1, 2 needed/);
    expect(screen).toContain("refused since the start: key 2");
    expect(screen).toMatch(/key +10\.0\.0\.9 +\? +old +5\.0 s ago/);
  });
});

describe("the screen of the leader", () => {
  const screen = (agreed: StatusMesh["agreed"]): string => {
    const quorum = { configured: true, held: true, have: 2, need: 2, voters: [] };
    const cluster = { leaderId: "server-1", epoch: "2.5", elector: "etcd", quorum, ageSeconds: 0 };
    return leaderScreen({
      node: { id: "server-1" },
      cluster: { ...cluster, mesh: { ...mesh, agreed } },
    } as unknown as StatusDocument);
  };

  it("says how new what the servers agreed on is, and when that is not confirmed", () => {
    expect(screen({ stamp: "2.57", confirmed: true })).toMatch(/^agreed +2\.57 is the newest$/m);
    expect(screen({ stamp: "2.57", confirmed: false })).toMatch(/^agreed +2\.57 .*not confirmed/m);
    expect(screen({ stamp: "0.0", confirmed: true })).toMatch(/^agreed +nothing yet$/m);
    for (const untold of [null, undefined]) expect(screen(untold)).not.toContain("agreed");
  });
});
