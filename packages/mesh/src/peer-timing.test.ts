import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultElectionTiming } from "./core/election-timing.ts";
import { electionsFit } from "./peer-timing.ts";
import { eventually, LocalCluster } from "./testing/local-cluster.ts";

const standard = defaultElectionTiming;
const slow = {
  heartbeatMs: 1_000,
  electionTimeoutMinMs: 5_000,
  electionTimeoutMaxMs: 10_000,
  leaseMs: 4_000,
};

describe("the election times of two voters", () => {
  it("fit while the lease of either is over before the other campaigns", () => {
    expect(electionsFit(standard, standard)).toBe(true);
    expect(electionsFit(standard, { ...standard, electionTimeoutMaxMs: 3_000 })).toBe(true);
    expect(electionsFit(standard, { ...standard, leaseMs: 500 })).toBe(true);
    // The other one's lease would still run when this one campaigns, whichever of the two is asked.
    expect(electionsFit(standard, slow)).toBe(false);
    expect(electionsFit(slow, standard)).toBe(false);
    expect(electionsFit(standard, { ...standard, leaseMs: 900 })).toBe(false);
  });

  it("do not matter where another back end elects", () => {
    expect(electionsFit(null, slow)).toBe(true);
  });
});

describe("servers that are set apart", { timeout: 30_000 }, () => {
  let cluster: LocalCluster;
  beforeEach(async () => {
    cluster = new LocalCluster();
    await cluster.reserve(3);
  });
  afterEach(() => cluster.close());

  it("refuse one another by reason timing where two leases could overlap, and the others elect without it", async () => {
    const [first, second] = [await cluster.server(1), await cluster.server(2)];
    const odd = await cluster.server(3, { electionTiming: slow });
    await eventually("the two have a leader", () => first.mesh.status().leaderId !== null);
    await eventually("both sides count it", () =>
      [first, odd].every(({ mesh }) => (mesh.status().refused.timing ?? 0) > 0),
    );
    expect(second.mesh.status().members.map(({ id }) => id)).not.toContain("server-3");
    expect(odd.mesh.status().leaderId).toBeNull();
  });

  it("are linked, warned of in the log and named in the status where they merely differ, and so are agents", async () => {
    const first = await cluster.server(1);
    await cluster.server(2, { electionTiming: { ...standard, electionTimeoutMaxMs: 3_000 } });
    await cluster.agent(1, { heartbeatIntervalMs: 400 });
    await eventually("two warnings", () => first.mesh.status().warnings.length === 2);
    const warnings = first.mesh.status().warnings.join("\n");
    expect(warnings).toContain("server-2 elects with electionTimeoutMaxMs 3000 and this node with 2000");
    expect(warnings).toContain("agent-1 sends a heartbeat every 400 ms and this node every 200 ms");
    expect(
      first.logged.filter((line) => line.startsWith("warn") && line.includes("is set otherwise")),
    ).not.toEqual([]);
  });

  it("are refused to start with times that contradict one another", async () => {
    await expect(cluster.server(1, { electionTiming: { ...slow, leaseMs: 4_500 } })).rejects.toThrow(
      "leaseMs * 1.25 <= electionTimeoutMinMs",
    );
  });
});
