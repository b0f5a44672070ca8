import { describe, expect, it } from "vitest";
import { readDefinitions } from "../definition/definition-reader.ts";
import { DaemonRecord } from "./daemon-record.ts";

function record(extra: Record<string, unknown> = {}): DaemonRecord {
  const { definitions, problems } = readDefinitions({ daemons: [{ name: "a", command: ["a"], ...extra }] });
  const [definition] = definitions;
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  return new DaemonRecord(definition);
}

const live = { liveness: { tcp: "x:1" } };
const crash = { kind: "code", code: 1 } as const;

describe("a daemon's record", () => {
  it("is not ready before its first health check has passed", () => {
    const a = record(live);
    expect(a.run).toBe(null);
    a.starting(0, false).nowRuns(7, 10);
    expect(a.health(2010)).toMatchObject({ state: "starting", ready: false, pid: 7, uptimeSeconds: 2.01 });
    expect(a.verdict().status).toBe("degraded");
    expect(a.run?.nextProbe()?.delayMs).toBe(100);
    expect(a.stableInMs(2010)).toBe(null);
    a.probed(true, "answers", 3000);
    expect(a.health(3000)).toMatchObject({ state: "running", ready: true, reason: "answers" });
    expect(a.run?.nextProbe()?.delayMs).toBe(10_000);
    expect(a.stableInMs(4000)).toBe(59_000);
  });

  it("restarts for three failing checks in a row, not for two and a pass", () => {
    const a = record(live);
    a.starting(0, false).nowRuns(7, 0);
    a.probed(true, "ok", 1);
    const outcomes = [false, false, true, false, false, false];
    const asked = outcomes.map((ok, i) => a.probed(ok, "no answer", 60_000 + i));
    const why = "health check failed 3 times in a row: no answer";
    expect(asked).toEqual([null, null, null, null, null, why]);
  });

  it("is degraded, and still ready, after one failing check", () => {
    const a = record(live);
    a.starting(0, false).nowRuns(7, 0);
    a.probed(true, "ok", 1);
    a.probed(false, "no answer", 60_000);
    expect(a.verdict()).toEqual({ status: "degraded", message: "health check failed 1 in a row: no answer" });
    expect(a.ready).toBe(true);
  });

  it("is not healthy while its check fails, not even within the start-up grace", () => {
    const a = record(live);
    a.starting(0, false).nowRuns(7, 0);
    a.probed(true, "ok", 1);
    a.probed(false, "no answer", 2);
    expect(a.verdict()).toEqual({
      status: "degraded",
      message: "health check fails within the start-up grace: no answer",
    });
    a.probed(true, "ok", 3);
    expect(a.verdict().status).toBe("healthy");
  });

  it("does not count failing checks within the start-up grace, neither then nor later", () => {
    const a = record(live);
    a.starting(0, false).nowRuns(7, 0);
    for (let i = 0; i < 50; i += 1) expect(a.probed(false, "no answer", 59_999)).toBe(null);
    expect(a.probed(false, "no answer", 60_000)).toBe(null);
    expect(a.probed(false, "no answer", 60_001)).toBe(null);
    expect(a.probed(false, "no answer", 60_002)).toContain("3 times in a row");
  });

  it("has an error rate only from ten checks on", () => {
    const a = record(live);
    a.starting(0, false).nowRuns(7, 0);
    for (let i = 0; i < 9; i += 1) a.probed(i < 5, "x", 1000);
    expect(a.health(1000).errorRate).toBe(null);
    a.probed(false, "x", 1000);
    expect(a.health(1000).errorRate).toBe(0.5);
    expect(a.health(400_000).errorRate).toBe(null);
  });

  it("stays degraded through the tries of a crash loop until one is stable", () => {
    const a = record();
    for (let i = 0; i < 5; i += 1) {
      a.starting(i, i > 0).nowRuns(7, i);
      a.died(crash, i, 0.5);
    }
    expect(a.health(5)).toMatchObject({ state: "degraded", restarts: 4, pid: null });
    expect(a.verdict().status).toBe("unhealthy");
    a.starting(900_000, true).nowRuns(8, 900_000);
    expect(a.state).toBe("degraded");
    expect(a.verdict().status).toBe("degraded");
    a.stable();
    expect(a.state).toBe("running");
    expect(a.verdict().status).toBe("healthy");
  });

  it("tells a change of health once, and nothing of a stop by request", () => {
    const a = record();
    expect(a.healthTransition()).toBe(null);
    a.starting(0, false).nowRuns(7, 0);
    expect([a.healthTransition(), a.healthTransition()]).toEqual(["COORDINATOR_HEALTHY", null]);
    a.died(crash, 1, 0.5);
    expect([a.healthTransition(), a.healthTransition()]).toEqual(["COORDINATOR_UNHEALTHY", null]);
    a.stopped("stopped by request", false, 2);
    expect(a.healthTransition()).toBe(null);
    expect(a.verdict().status).toBe("unhealthy");
  });

  it("never shows a daemon that could not be killed as stopped", () => {
    const a = record();
    a.starting(0, false).nowRuns(7, 0);
    a.stopping("stopping");
    a.stuck([7, 8]);
    expect(a.health(1)).toMatchObject({ state: "stuck", pid: 7, reason: "could not be killed: pid 7, 8" });
    a.wanted();
    expect(a.state).toBe("stuck");
  });
});
