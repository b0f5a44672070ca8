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

  it("is bounded and counts what it refuses", () => {
    const monitor = createClusterMonitor({ maxNodes: 1 });
    monitor.applyReport("a", report(1), 1);
    expect(monitor.applyReport("b", report(1), 1).accepted).toBe(false);
    expect(monitor.dropped.nodesPastBound).toBe(1);
  });
});
