import { describe, expect, it } from "vitest";
import { createSchedule, type Timers } from "./schedule.ts";

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
      for (;;) {
        const next = due.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        due.splice(due.indexOf(next), 1);
        now = next.at;
        next.callback();
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
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
});
