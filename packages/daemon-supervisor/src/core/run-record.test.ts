import { describe, expect, it } from "vitest";
import { readDefinitions } from "../definition/definition-reader.ts";
import { RunRecord } from "./run-record.ts";

function runOf(extra: Record<string, unknown>): RunRecord {
  const { definitions, problems } = readDefinitions({ daemons: [{ name: "a", command: ["a"], ...extra }] });
  const [definition] = definitions;
  if (definition === undefined || problems.length > 0) throw new Error(JSON.stringify(problems));
  const run = new RunRecord(definition, 0);
  run.nowRuns(7, 0);
  return run;
}

describe("a watchdog", () => {
  const watched = (): RunRecord => {
    const run = runOf({ readiness: { notify: true, withinSeconds: 60 }, watchdogSeconds: 10 });
    run.notified("", 1_000);
    return run;
  };

  it("ends a run that is silent for its time, whatever else still answers", () => {
    const run = watched();
    expect(run.ready).toBe(true);
    expect(run.overdue(10_999)).toBe(null);
    expect(run.overdue(11_000)).toBe("watchdog: no sign of life for 10 s");
  });

  it("is satisfied by a bare line as by sd_notify's word", () => {
    const run = watched();
    run.notified("", 8_000);
    expect(run.deadlineInMs(8_000)).toBe(10_000);
    run.notified("WATCHDOG=1", 12_000);
    expect(run.deadlineInMs(12_000)).toBe(10_000);
  });

  it("grants an extension, once for each line, and never takes time away", () => {
    const run = watched();
    run.notified("EXTEND_TIMEOUT_USEC=30000000", 2_000);
    expect(run.deadlineInMs(2_000)).toBe(30_000);
    run.notified("WATCHDOG=1", 3_000);
    run.notified("EXTEND_TIMEOUT_USEC=1000", 3_000);
    expect(run.deadlineInMs(3_000)).toBe(29_000);
    expect(run.overdue(32_000)).toContain("watchdog");
  });

  it("bounds an extension to an hour", () => {
    const run = watched();
    run.notified("EXTEND_TIMEOUT_USEC=999999999999999", 2_000);
    expect(run.deadlineInMs(2_000)).toBe(3_600_000);
  });

  it("lets a daemon report itself", () => {
    expect(watched().notified("WATCHDOG=trigger", 2_000)).toBe("told its watchdog to restart it");
  });

  it("hears no sign of life from before the daemon was ready, and no words it does not know", () => {
    const run = runOf({ readiness: { notify: true, withinSeconds: 60 }, watchdogSeconds: 10 });
    run.notified("WATCHDOG=1", 59_000);
    run.notified("hello", 59_000);
    expect(run.ready).toBe(false);
    expect(run.overdue(60_000)).toBe("not ready within 60 s of its start");
  });
});

describe("readiness", () => {
  it("by notification fails closed at its time-out, which the daemon may extend", () => {
    const run = runOf({ readiness: { notify: true, withinSeconds: 5 } });
    run.notified("EXTEND_TIMEOUT_USEC=20000000", 4_000);
    expect(run.overdue(5_000)).toBe(null);
    expect(run.overdue(24_000)).toBe("not ready within 5 s of its start");
  });

  it("by a log line comes with the first line that matches", () => {
    const run = runOf({ readiness: { logLine: "listening on \\d+" } });
    run.wrote("loading", 10);
    expect(run.ready).toBe(false);
    run.wrote("now listening on 80", 20);
    expect([run.ready, run.reason]).toEqual([true, 'wrote "now listening on 80"']);
    expect(run.awaitsLine).toBe(false);
  });

  it("by probe is asked for early and often, and failing it ends nothing before the time-out", () => {
    const run = runOf({
      readiness: { tcp: "x:1", withinSeconds: 30 },
      liveness: { tcp: "x:2", failures: 1 },
    });
    expect(run.nextProbe()).toMatchObject({ delayMs: 100, probe: { target: { port: 1 } } });
    for (let i = 0; i < 20; i += 1) expect(run.probed(false, "refused", 1_000 * i)).toBe(null);
    expect(run.nextProbe()?.delayMs).toBe(1_000);
    expect(run.overdue(29_999)).toBe(null);
    run.probed(true, "accepts", 29_999);
    expect(run.ready).toBe(true);
    expect(run.nextProbe()).toMatchObject({ delayMs: 10_000, probe: { target: { port: 2 } } });
    expect(run.overdue(1_000_000)).toBe(null);
  });
});

describe("a start-up probe", () => {
  const slow = { startup: { tcp: "x:1", failures: 4 }, liveness: { tcp: "x:2", failures: 1 } };

  it("keeps liveness from being asked, and so from killing, until it has passed", () => {
    const run = runOf(slow);
    for (let i = 1; i <= 3; i += 1) {
      expect(run.nextProbe()?.probe.target).toMatchObject({ port: 1 });
      expect(run.probed(false, "refused", i * 10_000)).toBe(null);
    }
    run.probed(true, "accepts", 40_000);
    expect(run.ready).toBe(true);
    expect(run.nextProbe()?.probe.target).toMatchObject({ port: 2 });
  });

  it("that fails to its limit is a failed start", () => {
    const run = runOf(slow);
    const answers = [1, 2, 3, 4].map((i) => run.probed(false, "refused", i * 10_000));
    expect(answers.slice(0, 3)).toEqual([null, null, null]);
    expect(answers[3]).toBe("start-up check failed 4 of 4 in a row: refused");
  });

  it("takes the place of the grace: once passed, failures count at once", () => {
    const run = runOf(slow);
    run.probed(true, "accepts", 1_000);
    expect(run.probed(false, "refused", 2_000)).toContain("failed 1 times in a row");
  });

  it("leaves readiness its whole time, however long the start-up took", () => {
    const run = runOf({ startup: { tcp: "x:1" }, readiness: { notify: true, withinSeconds: 5 } });
    expect(run.overdue(100_000)).toBe(null);
    run.probed(true, "accepts", 100_000);
    expect(run.overdue(104_999)).toBe(null);
    expect(run.overdue(105_000)).toContain("not ready within 5 s");
  });
});

describe("thresholds of liveness", () => {
  it("make a daemon healthy again only after so many passes in a row", () => {
    const run = runOf({ liveness: { tcp: "x:1", passes: 3, graceSeconds: 0 } });
    run.probed(true, "ok", 0);
    run.probed(false, "refused", 1);
    const failing = [true, true, false, true, true, true].map((ok, i) => {
      run.probed(ok, "x", 2 + i);
      return run.failing;
    });
    expect(failing).toEqual([true, true, true, true, true, false]);
  });
});
