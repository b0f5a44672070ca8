import { RingRiftError } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { createSchedule } from "./schedule.ts";
import type { Timers } from "./timers.ts";

/** Lets what was promised happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** A clock that moves only when told, running what falls due in order. */
function virtualTimers(): Timers & { advance(ms: number): Promise<void> } {
  let now = 0;
  const due: { at: number; callback: () => void }[] = [];
  return {
    nowMs: () => now,
    after: (delayMs, callback) => {
      const entry = { at: now + delayMs, callback };
      due.push(entry);
      return () => {
        const index = due.indexOf(entry);
        if (index >= 0) due.splice(index, 1);
      };
    },
    advance: async (ms) => {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = due.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        due.splice(due.indexOf(next), 1);
        now = next.at;
        next.callback();
        await settle();
      }
      now = end;
    },
  };
}

describe("the schedule of checks", () => {
  it("runs each check at once and then at its own interval", async () => {
    const timers = virtualTimers();
    const ran: string[] = [];
    const check = (name: string, intervalSeconds: number) => ({
      name,
      intervalSeconds,
      run: async () => name,
    });
    const schedule = createSchedule({
      nodeId: "gpu-1",
      checks: [check("cpu", 10), check("disk", 60)],
      onOutcome: (outcome) => ran.push(outcome),
      onError: () => {},
      timers,
    });
    await schedule.start();
    expect(ran).toEqual(["cpu", "disk"]);
    await timers.advance(60_000);
    const cpuRuns = ran.filter((name) => name === "cpu").length;
    expect(cpuRuns).toBeGreaterThanOrEqual(6);
    expect(cpuRuns).toBeLessThanOrEqual(7);
    await timers.advance(60_000);
    expect(ran.filter((name) => name === "cpu")).toHaveLength(cpuRuns + 6);
  });

  it("runs checks of one phase in one turn, woken once, and others at their own offsets", async () => {
    const timers = virtualTimers();
    const ran: { name: string; at: number }[] = [];
    let wakes = 0;
    const check = (name: string, phase?: string) => ({
      name,
      intervalSeconds: 10,
      ...(phase === undefined ? {} : { phase }),
      run: async () => ran.push({ name, at: timers.nowMs() }),
    });
    const schedule = createSchedule<unknown>({
      nodeId: "gpu-1",
      checks: [check("cpu", "host"), check("memory", "host"), check("load", "host"), check("gpu")],
      onOutcome: () => {},
      onError: () => {},
      timers: {
        nowMs: timers.nowMs,
        after: (delayMs, callback) =>
          timers.after(delayMs, () => {
            wakes += 1;
            callback();
          }),
      },
    });
    await schedule.start();
    ran.length = 0;
    await timers.advance(100_000);
    schedule.stop();
    const instantsOf = (name: string) => ran.filter((run) => run.name === name).map(({ at }) => at);
    expect(instantsOf("cpu").length).toBeGreaterThanOrEqual(9);
    expect(instantsOf("memory")).toEqual(instantsOf("cpu"));
    expect(instantsOf("load")).toEqual(instantsOf("cpu"));
    expect(instantsOf("gpu")).not.toEqual(instantsOf("cpu"));
    expect(wakes).toBe(instantsOf("cpu").length + instantsOf("gpu").length);
  });

  it("never runs a check twice at a time, and skips the beats that a long run missed", async () => {
    const timers = virtualTimers();
    let running = 0;
    let most = 0;
    let runs = 0;
    const schedule = createSchedule({
      nodeId: "gpu-1",
      checks: [
        {
          name: "slow",
          intervalSeconds: 1,
          run: async () => {
            runs += 1;
            if (runs === 1) return;
            running += 1;
            most = Math.max(most, running);
            await new Promise<void>((resolve) => {
              timers.after(2500, resolve);
            });
            running -= 1;
          },
        },
      ],
      onOutcome: () => {},
      onError: () => {},
      timers,
    });
    await schedule.start();
    await timers.advance(30_000);
    expect(most).toBe(1);
    expect(runs).toBeLessThanOrEqual(12);
    expect(runs).toBeGreaterThan(8);
  });

  it("goes on after a check that threw, and stops for good when told", async () => {
    const timers = virtualTimers();
    const errors: unknown[] = [];
    const schedule = createSchedule({
      nodeId: "gpu-1",
      checks: [{ name: "bad", intervalSeconds: 1, run: () => Promise.reject(new Error("broken")) }],
      onOutcome: () => {},
      onError: (error) => errors.push(error),
      timers,
    });
    await schedule.start();
    await timers.advance(3000);
    expect(errors.length).toBeGreaterThan(2);
    const before = errors.length;
    schedule.stop();
    await timers.advance(10_000);
    expect(errors).toHaveLength(before);
  });

  it("says so when a check hangs, never joins it by a second run, discards its late answer, and goes on with the others", async () => {
    const timers = virtualTimers();
    const outcomes: string[] = [];
    const codes: unknown[] = [];
    const signals: AbortSignal[] = [];
    let comeBack = (_: string): void => {};
    const schedule = createSchedule<string>({
      nodeId: "gpu-1",
      maxConcurrent: 1,
      checks: [
        {
          name: "hung",
          intervalSeconds: 10,
          timeoutSeconds: 2,
          run: (signal) => {
            signals.push(signal);
            return new Promise((resolve) => {
              comeBack = resolve;
            });
          },
        },
        { name: "cpu", intervalSeconds: 10, run: async () => "cpu" },
      ],
      onOutcome: (outcome) => outcomes.push(outcome),
      onError: (error) => codes.push(error instanceof RingRiftError ? error.code : error),
      timers,
    });
    const started = schedule.start();
    await timers.advance(2000);
    await started;
    await timers.advance(40_000);
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect(codes.slice(0, 3)).toEqual(["CHECK_TIMED_OUT", "CHECK_STILL_RUNNING", "CHECK_STILL_RUNNING"]);
    expect(outcomes.length).toBeGreaterThan(3);
    comeBack("late");
    await timers.advance(15_000);
    expect(outcomes).not.toContain("late");
    expect(signals).toHaveLength(2);
  });

  it("runs at most as many checks at a time as it was told, and aborts them when it stops", async () => {
    const timers = virtualTimers();
    let running = 0;
    let most = 0;
    const signals: AbortSignal[] = [];
    const schedule = createSchedule({
      nodeId: "gpu-1",
      maxConcurrent: 3,
      checks: Array.from({ length: 10 }, (_, index) => ({
        name: `check-${index}`,
        intervalSeconds: 60,
        run: async (signal: AbortSignal) => {
          signals.push(signal);
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => {
            timers.after(1000, resolve);
          });
          running -= 1;
        },
      })),
      onOutcome: () => {},
      onError: () => {},
      timers,
    });
    const started = schedule.start();
    await timers.advance(1500);
    schedule.stop();
    await timers.advance(5000);
    await started;
    expect(most).toBe(3);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false, true, true, true]);
  });

  it("refuses a name twice and intervals that no timer can keep", () => {
    const schedule = (...checks: { name: string; intervalSeconds: number }[]) =>
      createSchedule({
        nodeId: "gpu-1",
        checks: checks.map((check) => ({ ...check, run: async () => {} })),
        onOutcome: () => {},
        onError: () => {},
      });
    const cpu = { name: "cpu", intervalSeconds: 10 };
    expect(() => schedule(cpu, cpu)).toThrow("Check cpu is scheduled twice.");
    for (const intervalSeconds of [0, -1, Number.NaN, 1_000_001])
      expect(() => schedule({ ...cpu, intervalSeconds })).toThrow(/cpu has intervalSeconds/);
  });

  it("goes on with other checks when told, without disturbing those that stay", async () => {
    const timers = virtualTimers();
    const ran: string[] = [];
    let comeBack = (_: string): void => {};
    const check = (name: string) => ({ name, intervalSeconds: 10, run: async () => name });
    const [cpu, fan] = [check("cpu"), check("fan")];
    const slow = {
      name: "slow",
      intervalSeconds: 10,
      run: () =>
        new Promise<string>((resolve) => {
          comeBack = resolve;
        }),
    };
    const schedule = createSchedule<string>({
      nodeId: "gpu-1",
      checks: [cpu, slow],
      onOutcome: (outcome) => ran.push(outcome),
      onError: () => {},
      timers,
    });
    void schedule.start();
    await settle();
    expect(ran).toEqual(["cpu"]);
    void schedule.replace([cpu, fan]);
    await settle();
    expect(ran).toEqual(["cpu", "fan"]);
    comeBack("slow");
    await timers.advance(60_000);
    expect(new Set(ran)).toEqual(new Set(["cpu", "fan"]));
    expect(() => schedule.replace([cpu, cpu])).toThrow("twice");
    const before = ran.length;
    await timers.advance(60_000);
    expect(ran.length).toBeGreaterThan(before);
  });
});
