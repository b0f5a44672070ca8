import type { MemberSighting } from "@ringrift/cluster-monitor";
import type { CheckReport, EventOccurrence, NodeReport, SignalState } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { HealthCheckOrchestrator } from "./orchestrator.ts";

const member = (link: MemberSighting["link"], id = "gpu-1"): MemberSighting => ({
  id,
  role: "agent",
  link,
  lastSeenSeconds: 0,
  reason: "test",
  version: "1",
});

function setUp() {
  const events: EventOccurrence[] = [];
  const orchestrator = new HealthCheckOrchestrator({ emit: (event) => events.push(event) });
  let seq = 0;
  const report = (
    nowSeconds: number,
    state: SignalState,
    fields: Partial<NodeReport> = {},
    id = "gpu-1",
  ): void => {
    seq += 1;
    const check: CheckReport = {
      check: "gpu",
      state,
      reason: `gpu is ${state}`,
      details: {},
      readings: [],
      observedAt: nowSeconds,
      durationSeconds: 0,
    };
    const whole: NodeReport = {
      full: false,
      seq,
      sentAt: nowSeconds,
      version: "1",
      startedAt: 1,
      checks: [check],
      ...fields,
    };
    orchestrator.applyReport(id, whole, nowSeconds);
  };
  return { events, orchestrator, report, names: () => events.map((event) => event.name) };
}

describe("the orchestrator", () => {
  it("knows nothing of a node that only the mesh has seen", () => {
    const { orchestrator } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({
      state: "unknown",
      status: "unknown",
      score: null,
      gpus: null,
      reasons: ["no report yet"],
    });
    expect(orchestrator.getNodeHealth("gpu-2")).toBeNull();
    expect(orchestrator.getAvailableNodes()).toEqual([]);
  });

  it("tells of failed and passed health checks on transitions only", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(1, "healthy");
    report(2, "healthy");
    for (const second of [3, 4, 5, 6]) report(second, "unhealthy");
    for (const second of [7, 8, 9, 10]) report(second, "healthy");
    expect(names()).toEqual(["NODE_UP", "HEALTH_CHECK_PASSED", "HEALTH_CHECK_FAILED", "HEALTH_CHECK_PASSED"]);
    expect(orchestrator.errorCount(10)).toBe(1);
    expect(orchestrator.errorCount(400)).toBe(0);
  });

  it("reads a report that has grown old as unknown, not as its last value", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy");
    orchestrator.tick(60);
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("healthy");
    orchestrator.tick(60.1);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ state: "unknown", score: null });
  });

  it("calls a node offline once the mesh holds it for down, and keeps its state while it is only suspect", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy");
    orchestrator.applyMembers([member("suspect")], 1);
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("healthy");
    orchestrator.applyMembers([member("down")], 2);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({
      state: "offline",
      status: "unhealthy",
      score: null,
    });
    orchestrator.applyMembers([member("alive")], 3);
    expect(names()).toEqual([
      "NODE_UP",
      "HEALTH_CHECK_PASSED",
      "NODE_SUSPECT",
      "NODE_DOWN",
      "NODE_UP",
      "HEALTH_CHECK_PASSED",
    ]);
  });

  it("takes a retired node out of every count, and knows nothing of it when it comes back", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive"), member("down", "gpu-2")], 0);
    report(0, "healthy");
    expect(orchestrator.getClusterHealthSummary().availabilityPercent).toBe(50);
    orchestrator.retire("gpu-2", "sent back");
    expect(orchestrator.getClusterHealthSummary()).toMatchObject({ total: 2, availabilityPercent: 100 });
    orchestrator.retire("gpu-1", "maintenance");
    orchestrator.unretire("gpu-1");
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("unknown");
  });

  it("calls a busy node overloaded and still healthy, and never takes an unknown use for idle", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive"), member("alive", "gpu-2")], 0);
    const resources = { cpuCores: 8, cpuUtilizationRatio: 1, memoryUsedRatio: 0.5, gpuUtilizationRatio: 1 };
    report(0, "healthy", { resources });
    const unknown = {
      cpuCores: null,
      cpuUtilizationRatio: null,
      memoryUsedRatio: null,
      gpuUtilizationRatio: null,
    };
    report(0, "healthy", { resources: unknown }, "gpu-2");
    expect(orchestrator.getOverloadedNodes().map((node) => [node.id, node.state])).toEqual([
      ["gpu-1", "healthy"],
    ]);
    expect(orchestrator.getUnderutilizedNodes()).toEqual([]);
    expect(orchestrator.getClusterHealthSummary().cpuCores).toEqual({
      total: 8,
      available: 8,
      unknownNodes: 1,
    });
  });

  it("tells of a GPU once when it turns unhealthy", () => {
    const { report, orchestrator, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    const gpu = {
      index: 0,
      uuid: "GPU-1",
      busId: "00",
      name: "H100",
      reason: "fell off the bus",
      utilizationRatio: null,
    };
    report(1, "healthy", { gpus: [{ ...gpu, state: "healthy" }] });
    report(2, "unhealthy", { gpus: [{ ...gpu, state: "unhealthy" }] });
    report(3, "unhealthy", { gpus: [{ ...gpu, state: "unhealthy" }] });
    expect(names().filter((name) => name === "GPU_ERROR")).toHaveLength(1);
    expect(orchestrator.getNodeHealth("gpu-1")?.gpus).toEqual({ total: 1, healthy: 0 });
  });

  it("opens a circuit after failures in a row and tells of it", () => {
    const { orchestrator, names } = setUp();
    for (let call = 0; call < 5; call += 1) orchestrator.recordCircuit("training", false, true, 0);
    expect(orchestrator.circuits()).toEqual([{ name: "training", state: "open", critical: true }]);
    orchestrator.recordCircuit("training", true, true, 61);
    expect(names()).toEqual(["CIRCUIT_OPENED", "CIRCUIT_CLOSED"]);
  });
});
