import type { MeshStatus } from "@ringrift/mesh";
import { writeExposition } from "@ringrift/metrics";
import { applyProposal, EventLog, proposalText } from "@ringrift/orchestrator";
import {
  type DaemonHealth,
  HealthThresholds,
  type NodeReport,
  type StageReport,
  statusDocumentSchema,
} from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { member, meshStatus } from "./mesh-status.test.kit.ts";
import { createOverview } from "./overview.ts";

const report = (nodeId: string, seq: number): NodeReport => ({
  full: true,
  seq,
  sentAt: 0,
  version: "1",
  startedAt: 0,
  checks: [
    {
      check: "cpu",
      state: "healthy",
      reason: nodeId,
      details: {},
      readings: [],
      observedAt: seq,
      durationSeconds: 0,
    },
  ],
});

function setUp(
  fields: {
    role?: "server" | "agent";
    elector?: string;
    expectedNodes?: number;
    startedAtSeconds?: number;
  } = {},
) {
  let now = 0;
  const mesh: { -readonly [Key in keyof MeshStatus]: MeshStatus[Key] } = meshStatus({
    members: [member("a"), member("b")],
  });
  const overview = createOverview({
    teller: {
      id: fields.role === "agent" ? "a" : "server-1",
      role: fields.role ?? "server",
      version: "1",
      startedAtSeconds: fields.startedAtSeconds ?? 0,
      clusterId: "test",
      elector: fields.elector ?? "mesh",
    },
    mesh: () => mesh,
    expectedNodes: fields.expectedNodes ?? 0,
    thresholds: HealthThresholds,
    eventLog: new EventLog({ emitter: "server-1" }),
    nowSeconds: () => now,
  });
  return {
    mesh,
    overview,
    at: (seconds: number) => {
      now = seconds;
      overview.tick();
    },
    score: () => overview.status().score,
  };
}

describe("the overview of a server", () => {
  it("scores 100 while every node is online, healthy and fresh, in a document that fits its schema", () => {
    const { overview, at, score } = setUp();
    at(0);
    overview.applyReport("a", report("a", 1));
    overview.applyReport("b", report("b", 1));
    at(1);
    expect(score()).toBe(100);
    expect(statusDocumentSchema.safeParse(overview.status()).error).toBeUndefined();
  });

  it("is at most 59 before any node has reported, and again once all reports are old", () => {
    const { overview, at, score } = setUp();
    at(0);
    expect(score()).toBe(59);
    overview.applyReport("a", report("a", 1));
    at(1);
    expect(score()).toBe(100);
    at(62);
    expect(score()).toBe(59);
  });

  it("is at most 39 without quorum, whatever else is well; standalone needs none", () => {
    for (const [elector, expected] of [
      ["mesh", 39],
      ["standalone", 100],
    ] as const) {
      const { overview, mesh, at, score } = setUp({ elector });
      overview.applyReport("a", report("a", 1));
      overview.applyReport("b", report("b", 1));
      mesh.quorum = { ...mesh.quorum, held: false, have: 1 };
      at(1);
      expect(score()).toBe(expected);
    }
  });

  it("falls when a node goes down, and pauses the pipeline when half of them did", () => {
    const { overview, mesh, at, score } = setUp();
    for (const id of ["a", "b"]) overview.applyReport(id, report(id, 1));
    at(1);
    mesh.members = [member("a"), member("b", { link: "down", reason: "silent" })];
    at(2);
    expect(score()).toBe(59);
    expect(overview.gate()).toMatchObject({ state: "paused", reasons: ["nodes_offline:50%"] });
    expect(overview.events.after(0, 100).events.map((event) => event.name)).toContain("PIPELINE_PAUSED");
  });

  it("counts nodes that should be there and never came", () => {
    const { overview, at } = setUp({ expectedNodes: 8 });
    overview.applyReport("a", report("a", 1));
    at(1);
    expect(overview.status().components.nodeAvailability.score).toBe(25);
  });

  it("tells of a mass failure once, and says why no node is down while it is held back", () => {
    const { overview, mesh, at } = setUp();
    at(1);
    mesh.massFailure = { ageSeconds: 2.4, suspects: 4, agents: 12 };
    overview.onMeshEvent({ type: "mass_failure", failure: mesh.massFailure, previous: null });
    expect(overview.status().reasons[0]).toMatch(/^4 of 12 agents turned suspect at once, 2 s ago: /);
    const previous = { ...mesh.massFailure, ageSeconds: 30 };
    mesh.massFailure = null;
    overview.onMeshEvent({ type: "mass_failure", failure: null, previous });
    expect(overview.status().reasons.join()).not.toContain("at once");
    const told = overview.events.after(0, 100).events.filter(({ name }) => name.startsWith("MASS_FAILURE"));
    expect(told.map(({ name, data }) => [name, data])).toEqual([
      ["MASS_FAILURE_HELD", { suspects: 4, agents: 12 }],
      ["MASS_FAILURE_OVER", { heldSeconds: 30 }],
    ]);
  });

  it("says which servers are missing from a quorum that is held, and what another loss would do", () => {
    const { overview, mesh, at } = setUp();
    at(1);
    const voters = (...reachable: boolean[]) =>
      reachable.map((each, index) => ({ id: `v${index + 1}`, reachable: each }));
    mesh.quorum = { ...mesh.quorum, have: 2, need: 2, voters: voters(true, true, false) };
    expect(overview.status().reasons[0]).toBe(
      "1 of 3 servers cannot be reached: v3; the loss of one more ends the quorum",
    );
    mesh.quorum = { ...mesh.quorum, have: 4, need: 3, voters: voters(true, true, true, true, false) };
    expect(overview.status().reasons[0]).toBe(
      "1 of 5 servers cannot be reached: v5; 1 more may be lost before the quorum is",
    );
  });

  it("tells of leaders and quorum as events under the epoch of the time", () => {
    const { overview } = setUp();
    overview.onMeshEvent({ type: "leader", leaderId: "server-1", previous: null, term: 3 });
    for (const have of [1, 2, 3, 1]) overview.onMeshEvent({ type: "quorum", held: have >= 2, have, need: 2 });
    overview.onMeshEvent({ type: "leader", leaderId: null, previous: "server-1", term: 3 });
    const { events } = overview.events.after(0, 10);
    expect(events.map((event) => [event.name, event.epoch])).toEqual([
      ["LEADER_ELECTED", "0.3"],
      ["QUORUM_RESTORED", "0.3"],
      ["QUORUM_LOST", "0.3"],
      ["LEADER_LOST", "0.3"],
    ]);
  });

  it("writes no sample for what it does not know", () => {
    const { overview, mesh, at } = setUp();
    mesh.members = [];
    mesh.leaderId = null;
    at(1);
    const text = writeExposition(overview.families(), "text");
    expect(text).not.toMatch(/^ringrift_leader\{/m);
    expect(text).not.toMatch(/ringrift_health_component_score\{component="nodeAvailability"\}/);
    expect(text).toMatch(/^ringrift_quorum_held 1$/m);
  });
});

describe("a retired node", () => {
  const value = applyProposal("", proposalText({ type: "retire", node: "b", reason: "sent back", at: 5 }));
  const retired = { reason: "sent back", at: 5 };
  const daemon: DaemonHealth = {
    name: "train",
    state: "failed",
    critical: true,
    ready: false,
    pid: null,
    restarts: 9,
    errorRate: null,
    uptimeSeconds: null,
    cpuCores: null,
    memoryBytes: null,
    lastExit: "code 1",
    lastExitAgeSeconds: 1,
    reason: "crashed",
  };
  const stage: StageReport = {
    stage: "training",
    state: "unhealthy",
    reason: "late",
    progressAgeSeconds: null,
    successAgeSeconds: null,
    dataAgeSeconds: null,
    limitSeconds: 1,
  };

  it("is no fault, whatever is wrong with it: not in counts, score, daemons, stages and figures", () => {
    const { overview, mesh, at, score } = setUp();
    overview.onMeshEvent({ type: "agreed", agreed: { value, stamp: "3.1", confirmed: true } });
    mesh.members = [member("a"), member("b", { link: "down", reason: "silent", accusers: ["server-1"] })];
    overview.applyReport("a", report("a", 1));
    overview.applyReport("b", {
      ...report("b", 1),
      daemons: [daemon],
      stages: [stage],
      circuits: [{ name: "training", state: "open", critical: true }],
    });
    at(1);
    expect(score()).toBe(100);
    const status = overview.status();
    expect(statusDocumentSchema.safeParse(status).error).toBeUndefined();
    expect(status.cluster).toMatchObject({ counts: { alive: 1, down: 0 }, mesh: { accusations: [] } });
    expect([status.daemons, status.pipeline]).toEqual([[], { state: "running", reasons: [], stages: [] }]);
    expect(status.nodes[1]).toMatchObject({ id: "b", state: "retired", retired });
    const text = writeExposition(overview.families(), "text");
    expect(text).toMatch(/^ringrift_node_state\{node="b",state="retired"\} 1$/m);
    expect(text).toMatch(/^ringrift_peers\{link="down"\} 0$/m);
    expect(text).not.toMatch(/^ringrift_(?:node_up|node_report_age_seconds|mesh_accusations)\{.*b/m);
  });

  it("is marked among the members", () => {
    const { overview } = setUp();
    overview.onMeshEvent({ type: "agreed", agreed: { value, stamp: "3.1", confirmed: true } });
    expect(overview.members().map((one) => one.retired)).toEqual([null, retired]);
  });

  it("is told when it is decided, but not by a server that starts later", () => {
    const { overview } = setUp({ startedAtSeconds: 10 });
    const told = (): readonly string[] => overview.events.after(0, 99).events.map(({ name }) => name);
    overview.onMeshEvent({ type: "agreed", agreed: { value, stamp: "3.1", confirmed: false } });
    overview.onMeshEvent({ type: "agreed", agreed: { value, stamp: "4.1", confirmed: true } });
    expect(told()).toEqual([]);
    const later = applyProposal("", proposalText({ type: "retire", node: "a", reason: "", at: 5 }));
    overview.onMeshEvent({ type: "agreed", agreed: { value: later, stamp: "4.2", confirmed: true } });
    expect(told()).toEqual(["NODE_RETIRED", "NODE_UNRETIRED"]);
  });

  it("makes no mass failure of what was switched off on purpose", () => {
    const { overview, mesh } = setUp();
    overview.onMeshEvent({ type: "agreed", agreed: { value, stamp: "3.1", confirmed: true } });
    const failure = { ageSeconds: 1, suspects: 1, agents: 2 };
    mesh.members = [member("a"), member("b", { link: "suspect" })];
    mesh.massFailure = failure;
    overview.onMeshEvent({ type: "mass_failure", failure, previous: null });
    mesh.massFailure = null;
    overview.onMeshEvent({ type: "mass_failure", failure: null, previous: failure });
    expect(overview.events.after(0, 99).events.map(({ name }) => name)).toEqual(["NODE_RETIRED"]);
  });

  it("leads to a reason in the status when what was agreed on cannot be read", () => {
    const { overview } = setUp();
    overview.onMeshEvent({ type: "agreed", agreed: { value: "{", stamp: "3.1", confirmed: true } });
    expect(overview.status().reasons[0]).toMatch(/^What the servers agreed on cannot be read here/);
  });
});

it("members are listed servers first, and by name as people count", () => {
  const { overview, mesh } = setUp();
  mesh.members = [member("gpu-10"), member("gpu-9"), member("server-1", { role: "server" })];
  expect(overview.members().map(({ id }) => id)).toEqual(["server-1", "gpu-9", "gpu-10"]);
});

describe("the overview of an agent", () => {
  it("is of its own host only", () => {
    const { overview, at } = setUp({ role: "agent" });
    overview.applyReport("a", report("a", 1));
    at(1);
    expect(overview.status().nodes.map((node) => node.id)).toEqual(["a"]);
    expect(overview.status().score).toBe(100);
  });

  it("does not know of quorum what it has not heard for five seconds, and then scores at most 59", () => {
    const { overview, mesh, at } = setUp({ role: "agent" });
    overview.applyReport("a", report("a", 1));
    mesh.quorum = { ...mesh.quorum, held: false };
    at(1);
    expect(overview.status().score).toBe(39);
    mesh.statusAgeSeconds = 6;
    at(2);
    expect(overview.status().score).toBe(59);
  });
});
