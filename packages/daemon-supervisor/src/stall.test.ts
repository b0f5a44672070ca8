import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DaemonRecord } from "./core/daemon-record.ts";
import { defineService, readDefinitions } from "./definition/definition-reader.ts";
import { ProcessTable } from "./process/process-table.ts";
import { Alarm } from "./runner/alarm.ts";
import { HealthWatch } from "./runner/health-watch.ts";
import { RunWatch } from "./runner/run-watch.ts";

let now = 0;
const host = { env: {}, checkContainment: () => ({ token: "check", table: new ProcessTable() }) };
beforeEach(() => {
  now = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Time passes, and the loop with it. */
async function pass(ms: number): Promise<void> {
  now += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

describe("an alarm", () => {
  it("rings once at its time, and says by how much its own process made it late", async () => {
    const rings: number[] = [];
    const alarm = new Alarm((lateMs) => rings.push(lateMs));
    alarm.set(100);
    await pass(99);
    expect([alarm.pending, rings]).toEqual([true, []]);
    now += 4_000;
    await pass(1);
    expect([alarm.pending, rings]).toEqual([false, [4_000]]);
  });

  it("waits longer than a timer of the platform can", async () => {
    let rings = 0;
    const alarm = new Alarm(() => {
      rings += 1;
    });
    alarm.set(30 * 86_400_000);
    await pass(29 * 86_400_000);
    expect([alarm.pending, rings]).toEqual([true, 0]);
    await pass(86_400_000);
    expect([alarm.pending, rings]).toEqual([false, 1]);
  });
});

describe("when the supervisor's own loop stood still", () => {
  it("a daemon is heard before its watchdog is believed", async () => {
    const [definition] = readDefinitions({
      daemons: [{ name: "a", command: ["a"], readiness: { notify: true }, watchdogSeconds: 10 }],
    }).definitions;
    if (definition === undefined) throw new Error("the definition is wrong");
    const record = new DaemonRecord(definition);
    const ends: string[] = [];
    const watch = new RunWatch(
      record,
      { ...host, nowMs: () => now },
      () => [],
      (mustEnd) => {
        if (mustEnd !== null) ends.push(mustEnd);
        else watch.awaitNext();
      },
    );
    const run = record.starting(0, false);
    run.nowRuns(7, 0);
    run.notified("", 0);
    watch.awaitNext();
    now += 5_000;
    await pass(10_000);
    expect(ends).toEqual([]);
    // What it had written meanwhile is read first.
    run.notified("WATCHDOG=1", now);
    await pass(1_000);
    expect(ends).toEqual([]);
    await pass(9_000);
    expect(ends).toEqual(["watchdog: no sign of life for 10 s"]);
    await watch.end();
  });

  it("an answer that was not waited for long enough does not count, once", async () => {
    const outcomes: boolean[] = [];
    const service = {
      start: () => undefined,
      stop: () => undefined,
      healthCheck: () => new Promise<boolean>(() => undefined),
    };
    const definition = defineService({ name: "a" }, service);
    const watch = new HealthWatch(definition, host, ({ ok }) => outcomes.push(ok));
    const { liveness } = definition;
    if (liveness === null) throw new Error("no liveness");
    watch.ask({ probe: liveness, delayMs: 0 });
    await pass(0);
    now += 3_000;
    await pass(5_000);
    expect(outcomes).toEqual([]);
    await pass(1);
    now += 3_000;
    await pass(5_000);
    expect(outcomes).toEqual([false]);
    await watch.end();
  });
});
