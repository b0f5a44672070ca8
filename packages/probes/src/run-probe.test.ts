import { checkReportSchema } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Probe, ProbeOutcome } from "./probe.ts";
import { ProbeError } from "./probe-error.ts";
import { runProbe } from "./run-probe.ts";

const now = () => 1000;

function probeOf(run: Probe["run"], name = "memory"): Probe {
  return {
    name,
    title: "Memory",
    reads: "nothing",
    intervalSeconds: 10,
    timeoutSeconds: 5,
    rules: [],
    cost: "",
    run,
  };
}

const fine: ProbeOutcome = {
  report: {
    check: "memory",
    state: "healthy",
    reason: "",
    details: {},
    readings: [],
    observedAt: 1000,
    durationSeconds: 0,
  },
};

describe("runProbe", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("passes on what the probe found, with its duration", async () => {
    let clock = 1000;
    const outcome = await runProbe(
      probeOf(async () => {
        clock += 2;
        return fine;
      }),
      () => clock,
    );
    expect(outcome.report).toMatchObject({ state: "healthy", durationSeconds: 2 });
  });

  it("makes a thrown error an unknown with its reason and next step", async () => {
    const outcome = await runProbe(
      probeOf(() => {
        throw new ProbeError("PROBE_UNREADABLE", "no such file", "Mount it.");
      }),
      now,
    );
    expect(outcome.report).toMatchObject({
      state: "unknown",
      reason: "no such file",
      action: "Mount it.",
      details: { checkError: "no such file" },
    });
    expect(outcome.resources).toEqual({ memoryUsedRatio: null });
    expect(checkReportSchema.safeParse(outcome.report).success).toBe(true);
  });

  it("makes even a thrown nothing an unknown", async () => {
    const outcome = await runProbe(
      probeOf(() => Promise.reject(undefined)),
      now,
    );
    expect(outcome.report.state).toBe("unknown");
  });

  it("answers unknown when a probe hangs, aborts it and starts no second run beside it", async () => {
    let calls = 0;
    let aborted = false;
    let finish: (outcome: ProbeOutcome) => void = () => {};
    const probe = probeOf((signal) => {
      calls += 1;
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise((resolve) => {
        finish = resolve;
      });
    }, "gpu");
    const first = runProbe(probe, now);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await first).toMatchObject({ report: { state: "unknown", details: { hung: true } }, gpus: null });
    expect(aborted).toBe(true);
    expect((await runProbe(probe, now)).report.reason).toContain("has not come back");
    expect(calls).toBe(1);
    finish(fine);
    await vi.advanceTimersByTimeAsync(0);
    const again = runProbe(probe, now);
    finish(fine);
    expect((await again).report.state).toBe("healthy");
  });
});
