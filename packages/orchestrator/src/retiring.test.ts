import type { MemberSighting } from "@ringrift/cluster-monitor";
import type { CheckReport, EventOccurrence, NodeReport, SignalState } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import type { Retirement } from "./decisions.ts";
import { HealthCheckOrchestrator } from "./orchestrator.ts";

const member = (link: MemberSighting["link"], id = "gpu-1"): MemberSighting => ({
  id,
  role: "agent",
  link,
  lastSeenSeconds: 0,
  reason: "test",
  version: "1",
});
const retired = (nodes: Readonly<Record<string, Retirement>>): ReadonlyMap<string, Retirement> =>
  new Map(Object.entries(nodes));
const gone = retired({ "gpu-1": { reason: "sent back", at: 5 } });

function setUp() {
  const events: EventOccurrence[] = [];
  const orchestrator = new HealthCheckOrchestrator({ emit: (event) => events.push(event) });
  let seq = 0;
  const report = (nowSeconds: number, state: SignalState, fields: Partial<NodeReport> = {}): void => {
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
    const whole = { full: false, seq, sentAt: nowSeconds, version: "1", startedAt: 1, checks: [check] };
    orchestrator.applyReport("gpu-1", { ...whole, ...fields }, nowSeconds);
  };
  return { events, orchestrator, report, names: () => events.map((event) => event.name) };
}

describe("a retired node", () => {
  it("is out of every count, and shown with the reason and since when", () => {
    const { orchestrator, report } = setUp();
    orchestrator.applyMembers([member("alive"), member("down", "gpu-2")], 0);
    report(0, "healthy");
    expect(orchestrator.getClusterHealthSummary().availabilityPercent).toBe(50);
    orchestrator.setRetired(retired({ "gpu-2": { reason: "sent back", at: 5 } }), null);
    expect(orchestrator.getClusterHealthSummary()).toMatchObject({
      byState: { retired: 1, offline: 0 },
      availabilityPercent: 100,
    });
    expect(orchestrator.getNodeHealth("gpu-2")).toMatchObject({
      state: "retired",
      status: "unknown",
      retired: { reason: "sent back", at: 5 },
      reasons: ["retired by an operator: sent back", "link down: test"],
    });
  });

  it("is told once, and again when it is back", () => {
    const { orchestrator, events } = setUp();
    orchestrator.setRetired(gone, null);
    orchestrator.setRetired(gone, null);
    orchestrator.setRetired(retired({}), null);
    const data = { nodeId: "gpu-1", reason: "sent back" };
    expect(events).toEqual([
      { name: "NODE_RETIRED", data },
      { name: "NODE_UNRETIRED", data },
    ]);
  });

  it("is not told anew by a process that has just started, but what is decided from then on is", () => {
    const { orchestrator, events } = setUp();
    orchestrator.setRetired(gone, 10);
    orchestrator.setRetired(retired({ "gpu-2": { reason: "", at: 11 } }), 10);
    expect(orchestrator.getNodeHealth("gpu-2")?.state).toBe("retired");
    expect(events).toEqual([{ name: "NODE_RETIRED", data: { nodeId: "gpu-2", reason: "" } }]);
  });

  it("may fail and go without a word, and costs no points", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "healthy", { gpus: [] });
    orchestrator.setRetired(gone, null);
    for (const now of [1, 2, 3, 4]) report(now, "unhealthy");
    orchestrator.applyMembers([member("suspect")], 5);
    orchestrator.applyMember(member("down"), 6);
    orchestrator.applyMembers([member("down")], 7);
    expect(names()).toEqual(["NODE_UP", "HEALTH_CHECK_PASSED", "NODE_RETIRED"]);
    expect(orchestrator.errorCount(7)).toBe(0);
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ score: null, gpus: null });
  });

  it("is still listed with what it says while it runs, and once nobody has seen it", () => {
    const { orchestrator, report } = setUp();
    orchestrator.setRetired(gone, null);
    expect(orchestrator.getNodes()).toMatchObject([{ id: "gpu-1", state: "retired", lastSeenSeconds: null }]);
    orchestrator.applyMembers([member("alive")], 0);
    report(0, "degraded");
    expect(orchestrator.getNodes()).toMatchObject([
      { state: "retired", reasons: ["retired by an operator: sent back", "gpu degraded: gpu is degraded"] },
    ]);
  });

  it("is unknown when it is back, until it reports, and has not forgotten what failed", () => {
    const { orchestrator, report, names } = setUp();
    orchestrator.applyMembers([member("alive")], 0);
    orchestrator.setRetired(gone, null);
    for (const now of [1, 2, 3]) report(now, "unhealthy");
    orchestrator.setRetired(retired({}), null);
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("unknown");
    report(4, "healthy");
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("unhealthy");
    expect(names().slice(1)).toEqual(["NODE_RETIRED", "NODE_UNRETIRED", "HEALTH_CHECK_FAILED"]);
  });

  it("tells how its link is when it is back", () => {
    const { orchestrator, names } = setUp();
    orchestrator.setRetired(gone, null);
    orchestrator.applyMembers([member("down")], 1);
    orchestrator.setRetired(retired({}), null);
    orchestrator.applyMembers([member("down")], 2);
    expect(names()).toEqual(["NODE_RETIRED", "NODE_UNRETIRED", "NODE_DOWN"]);
  });
});
