import type { CheckReport, NodeReport } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { createClusterMonitor } from "./cluster-monitor.ts";

const check = (name: string, observedAt: number): CheckReport => ({
  check: name,
  state: "healthy",
  reason: "",
  details: {},
  readings: [],
  observedAt,
  durationSeconds: 0.1,
});
const report = (seq: number, fields: Partial<NodeReport> = {}): NodeReport => ({
  full: true,
  seq,
  sentAt: 1,
  version: "1",
  startedAt: 100,
  checks: [],
  ...fields,
});

describe("the table of nodes", () => {
  it("keeps what a delta leaves out, and replaces what it holds", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1, { checks: [check("cpu", 1), check("gpu", 1)], gpus: [] }), 10);
    const outcome = monitor.applyReport("a", report(2, { full: false, checks: [check("cpu", 2)] }), 20);
    expect(outcome.freshChecks.map((fresh) => fresh.check)).toEqual(["cpu"]);
    const node = monitor.node("a", 25);
    expect(node?.checks.map((known) => [known.check, known.observedAt])).toEqual([
      ["cpu", 2],
      ["gpu", 1],
    ]);
    expect(node?.gpus).toEqual([]);
    expect(node?.reportAgeSeconds).toBe(5);
  });

  it("drops and counts a report that is not newer, and takes a restarted node's first one", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(5), 10);
    expect(monitor.applyReport("a", report(5), 11).accepted).toBe(false);
    expect(monitor.applyReport("a", report(9, { startedAt: 50 }), 11).accepted).toBe(false);
    expect(monitor.dropped.staleReports).toBe(2);
    expect(monitor.applyReport("a", report(1, { startedAt: 200 }), 12).accepted).toBe(true);
  });

  it("does not count a check as run again when a full report repeats it", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1, { checks: [check("cpu", 1)] }), 10);
    expect(monitor.applyReport("a", report(2, { checks: [check("cpu", 1)] }), 11).freshChecks).toEqual([]);
  });

  it("forgets a check that a full report no longer holds", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1, { checks: [check("cpu", 1)] }), 10);
    monitor.applyReport("a", report(2), 11);
    expect(monitor.node("a", 11)?.checks).toEqual([]);
  });

  it("reads GPUs that nobody told of as unknown, not as none", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1), 10);
    expect(monitor.node("a", 10)?.gpus).toBeNull();
  });

  it("forgets a node that the mesh no longer lists, unless the node has reported", () => {
    const monitor = createClusterMonitor();
    const sighting = { role: "agent", link: "alive", lastSeenSeconds: 0, reason: "", version: "1" } as const;
    monitor.applyReport("a", report(1), 1);
    monitor.applyMembers([
      { id: "a", ...sighting },
      { id: "b", ...sighting },
    ]);
    monitor.applyMembers([]);
    expect(monitor.nodes(2).map((node) => [node.id, node.link])).toEqual([["a", "down"]]);
  });

  it("believes a host whose clock was ahead at its first start, once what it said then is old", () => {
    const monitor = createClusterMonitor({ reportStaleSeconds: 60 });
    monitor.applyReport("a", report(1, { startedAt: 9e9 }), 10);
    expect(monitor.applyReport("a", report(1), 70).accepted).toBe(false);
    expect(monitor.applyReport("a", report(2), 70.1).accepted).toBe(true);
  });

  it("never mixes what a node says with what it said before it restarted", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(9, { checks: [check("gpu", 1)], gpus: [] }), 10);
    monitor.applyReport("a", report(1, { startedAt: 200, full: false, checks: [check("cpu", 2)] }), 20);
    const node = monitor.node("a", 20);
    expect(node?.checks.map((known) => known.check)).toEqual(["cpu"]);
    expect(node?.gpus).toBeNull();
  });

  it("counts a run as fresh after the node's clock was set back", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1, { checks: [check("cpu", 5000)] }), 10);
    const { freshChecks } = monitor.applyReport(
      "a",
      report(2, { full: false, checks: [check("cpu", 9)] }),
      11,
    );
    expect(freshChecks).toHaveLength(1);
  });

  it("keeps at most 200 checks of a node and counts the others", () => {
    const monitor = createClusterMonitor();
    for (let seq = 1; seq <= 201; seq += 1)
      monitor.applyReport("a", report(seq, { full: false, checks: [check(`check-${seq}`, seq)] }), seq);
    expect(monitor.node("a", 201)?.checks).toHaveLength(200);
    expect(monitor.dropped.checksPastBound).toBe(1);
  });

  it("makes room for a new node by forgetting the longest silent one that the mesh no longer lists", () => {
    const monitor = createClusterMonitor({ maxNodes: 3 });
    const listed = { role: "agent", link: "alive", lastSeenSeconds: 0, reason: "", version: "1" } as const;
    monitor.applyReport("listed", report(1), 1);
    monitor.applyMembers([{ id: "listed", ...listed }]);
    monitor.applyReport("gone", report(1), 2);
    monitor.applyReport("later", report(1), 3);
    monitor.applyReport("new", report(1), 4);
    expect(monitor.nodes(4).map((node) => node.id)).toEqual(["listed", "later", "new"]);
    expect(monitor.dropped.nodesReplaced).toBe(1);
  });

  it("forgets a node when told", () => {
    const monitor = createClusterMonitor();
    monitor.applyReport("a", report(1), 1);
    expect([monitor.forget("a"), monitor.forget("a")]).toEqual([true, false]);
    expect(monitor.node("a", 1)).toBeNull();
  });

  it("is bounded and counts what it refuses", () => {
    const monitor = createClusterMonitor({ maxNodes: 1 });
    const listed = { role: "agent", link: "alive", lastSeenSeconds: 0, reason: "", version: "1" } as const;
    monitor.applyMembers([{ id: "a", ...listed }]);
    expect(monitor.applyReport("b", report(1), 1).accepted).toBe(false);
    expect(monitor.dropped.nodesPastBound).toBe(1);
  });
});
