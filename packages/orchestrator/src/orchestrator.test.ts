import type { MemberSighting } from "@ringrift/cluster-monitor";
import type {
  CheckReport,
  EventOccurrence,
  GpuError,
  GpuStatus,
  NodeReport,
  SignalState,
} from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";
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

  it("knows no node for healthy that has just started, until every check has ended its first run", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(1, "healthy", { full: true, pendingChecks: ["gpu-memory", "xid"] });
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({
      state: "unknown",
      score: null,
      reasons: ["has just started: no answer yet from gpu-memory, xid"],
    });
    report(2, "degraded");
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({
      state: "degraded",
      reasons: ["has just started: no answer yet from gpu-memory, xid", "gpu degraded: gpu is degraded"],
    });
    report(3, "healthy", { pendingChecks: [] });
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ state: "healthy", score: 100, reasons: [] });
    expect(names()).toEqual(["NODE_UP", "HEALTH_CHECK_PASSED"]);
  });

  it("holds against a node that starts anew what failed before, until it passes", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    for (const now of [1, 2, 3]) report(now, "unhealthy");
    report(4, "healthy", { full: true, startedAt: 4, checks: [], pendingChecks: ["gpu"] });
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("unhealthy");
    for (const now of [5, 6, 7]) report(now, "healthy", { startedAt: 4, pendingChecks: [] });
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("healthy");
  });

  it("calls a node at best degraded while it is suspect, and offline once the mesh holds it for down", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy");
    orchestrator.applyMembers([member("suspect")], 1);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ state: "degraded", score: 85 });
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

  it("retires nodes one at a time where no servers agree on them", () => {
    const { orchestrator, names } = setUp();
    orchestrator.retire("gpu-1", "sent back");
    orchestrator.retire("gpu-2", "");
    orchestrator.unretire("gpu-1");
    expect(orchestrator.getNodes().map(({ id, state }) => [id, state])).toEqual([["gpu-2", "retired"]]);
    expect(names()).toEqual(["NODE_RETIRED", "NODE_RETIRED", "NODE_UNRETIRED"]);
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
    report(4, "unhealthy", { gpus: [{ ...gpu, state: "healthy" }], expectedGpus: 8 });
    expect(orchestrator.getNodeHealth("gpu-1")?.gpus).toEqual({ total: 8, healthy: 1 });
  });

  it("tells of an error in the kernel log once, and of none that was told before this start or long ago", () => {
    const { report, orchestrator, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    const error: GpuError = {
      id: "boot/1",
      gpu: "0000:3b:00.0",
      xid: 79,
      sxid: null,
      severity: "critical",
      reason: "the GPU fell off the bus",
      action: "reboot",
      bootId: "boot",
      at: 1000,
      foundAt: 1000,
      toldBefore: false,
    };
    const errors = () => names().filter((name) => name === "GPU_ERROR").length;
    report(1000, "healthy", { gpuErrors: [error, { ...error, id: "boot/0", toldBefore: true }] });
    report(1001, "healthy", { gpuErrors: [error] });
    expect(errors()).toBe(1);
    report(1002, "healthy", { gpuErrors: [error, { ...error, id: "boot/2", xid: 31, severity: "warning" }] });
    expect(errors()).toBe(2);
    // A program that crashed is no error of the cluster.
    expect(orchestrator.errorCount(1002)).toBe(1);
    orchestrator.applyMembers([member("alive", "gpu-2")], 2000);
    report(2000, "healthy", { gpuErrors: [error] }, "gpu-2");
    expect(errors()).toBe(2);
  });

  it("gives a card the same name whether nvidia-smi or the kernel log tells of it, with its uuid beside", () => {
    const log = new EventLog({ emitter: "server-1" });
    const orchestrator = new HealthCheckOrchestrator({ emit: (event) => log.append(event, 1, null) });
    const card = {
      index: 3,
      uuid: "GPU-3",
      busId: "0000:3b:00.0",
      name: "H100",
      state: "unhealthy",
      reason: "the GPU requires a reset",
      utilizationRatio: null,
    } as const;
    const error = {
      id: "boot/1",
      gpu: "0000:3b:00.0",
      uuid: "GPU-3",
      xid: 95,
      sxid: null,
      severity: "error",
      reason: "a memory error that was not contained",
      action: "reset",
      bootId: "boot",
      at: 1,
      foundAt: 1,
      toldBefore: false,
    } as const;
    const report = { full: false, seq: 1, sentAt: 1, version: "1", startedAt: 1, checks: [] };
    orchestrator.applyReport("gpu-1", { ...report, gpus: [card], gpuErrors: [error] }, 1);
    const names = log.after(0, 10).events.map(({ data }) => data as { gpu?: string; uuid?: string });
    expect(names.map(({ gpu, uuid }) => [gpu, uuid])).toEqual([
      ["0000:3b:00.0", "GPU-3"],
      ["0000:3b:00.0", "GPU-3"],
    ]);
  });

  it("opens a circuit after failures in a row and tells of it", () => {
    const { orchestrator, names } = setUp();
    for (let call = 0; call < 5; call += 1) orchestrator.recordCircuit("training", false, true, 0);
    expect(orchestrator.circuits()).toEqual([{ name: "training", state: "open", critical: true }]);
    orchestrator.recordCircuit("training", true, true, 61);
    expect(names()).toEqual(["CIRCUIT_OPENED", "CIRCUIT_CLOSED"]);
  });

  it("tells of GPUs that were lost before they had a uuid, each by its bus", () => {
    const log = new EventLog({ emitter: "server-1" });
    const orchestrator = new HealthCheckOrchestrator({ emit: (event) => log.append(event, 1, null) });
    const lost = (busId: string): GpuStatus => ({
      index: null,
      uuid: "",
      busId,
      name: "",
      state: "unhealthy",
      reason: "fell off the bus",
      utilizationRatio: null,
    });
    const report = { full: false, sentAt: 1, version: "1", startedAt: 1, checks: [] };
    orchestrator.applyReport("gpu-1", { ...report, seq: 1, gpus: [lost("00:41")] }, 1);
    orchestrator.applyReport("gpu-1", { ...report, seq: 2, gpus: [lost("00:41"), lost("00:42")] }, 2);
    expect(log.after(0, 10).events.map((event) => event.data)).toMatchObject([
      { gpu: "00:41" },
      { gpu: "00:42" },
    ]);
  });

  it("tells of a daemon's crash once, though it passes through failed and restarting", () => {
    const { orchestrator, report, names } = setUp();
    const daemon = { name: "trainer", critical: true, ready: false, pid: null, restarts: 0, errorRate: null };
    const unmeasured = { cpuCores: null, memoryBytes: null, lastExit: null, lastExitAgeSeconds: null };
    const states = ["running", "failed", "restarting", "running", "restarting"] as const;
    states.forEach((state, second) => {
      report(second, "healthy", {
        daemons: [{ ...daemon, ...unmeasured, state, uptimeSeconds: null, reason: "exit 1" }],
      });
    });
    const told = names().filter((name) => name.startsWith("DAEMON"));
    expect(told).toEqual(["DAEMON_STARTED", "DAEMON_FAILED", "DAEMON_STARTED", "DAEMON_FAILED"]);
    expect(orchestrator.errorCount(5)).toBe(2);
  });

  it("does not hold a check against a node that no longer has it", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    for (const second of [1, 2, 3, 4, 5]) report(second, "unhealthy");
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("evicted");
    const cpu = { check: "cpu", state: "healthy", reason: "", details: {}, readings: [] } as const;
    report(6, "healthy", {
      full: true,
      startedAt: 2,
      checks: [{ ...cpu, observedAt: 6, durationSeconds: 0 }],
    });
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("healthy");
  });

  it("counts no errors of a retired node and shows nothing old of it as if it were now", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy", { gpus: [] });
    orchestrator.retire("gpu-1", "x".repeat(2000));
    orchestrator.tick(3600);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ state: "retired", score: null, gpus: null });
    orchestrator.applyMembers([member("down")], 3601);
    expect(orchestrator.errorCount(3601)).toBe(0);
  });

  it("calls the nodes of a provider that the operator marked down provider_down, and knows them again after", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive"), member("alive", "gpu-2")], 0);
    report(0, "healthy", { provider: "vast" });
    report(0, "healthy", { provider: "lambda" }, "gpu-2");
    orchestrator.markProviderDown("vast", "billing");
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({
      state: "provider_down",
      status: "unhealthy",
      reasons: ["provider vast is down: billing"],
    });
    expect(orchestrator.getAvailableNodes().map((node) => node.id)).toEqual(["gpu-2"]);
    orchestrator.markProviderUp("vast");
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("healthy");
    expect(names().filter((name) => name === "HEALTH_CHECK_PASSED")).toHaveLength(3);
  });

  it("tells again that a node is up whose place in the table another took meanwhile", () => {
    const events: EventOccurrence[] = [];
    const orchestrator = new HealthCheckOrchestrator({ emit: (event) => events.push(event), maxNodes: 1 });
    for (const id of ["spot-1", "spot-2", "spot-1"]) orchestrator.applyMembers([member("alive", id)], 0);
    expect(events.map((event) => event.name)).toEqual(["NODE_UP", "NODE_UP", "NODE_UP"]);
    expect(orchestrator.getNodes().map((node) => node.id)).toEqual(["spot-1"]);
  });

  it("counts what it left out", () => {
    const { orchestrator, report } = setUp();
    report(1, "healthy", { seq: 5 });
    report(2, "healthy", { seq: 5 });
    expect(orchestrator.dropped().staleReports).toBe(1);
  });

  it("counts nodes by provider, whatever a provider is called", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy", { provider: "constructor" });
    expect(orchestrator.getClusterHealthSummary().byProvider).toEqual({ constructor: 1 });
  });
});
