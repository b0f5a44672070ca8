import { HealthThresholds, type SignalState } from "@ringrift/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNodeStreaks } from "./node-state.ts";

function after(...states: SignalState[]): string {
  const streaks = createNodeStreaks(HealthThresholds);
  states.forEach((state, index) => {
    streaks.observe("gpu", state, index * 10);
  });
  return streaks.verdict(states.length * 10);
}
/** The rule in words: a pass forgives less than three failures at once, more only as the third pass in a row. */
function isEvictedByModel(history: readonly SignalState[]): boolean {
  let failures = 0;
  let passes = 0;
  for (const state of history) {
    passes = state === "healthy" ? passes + 1 : 0;
    if (state === "unhealthy") failures += 1;
    if (state === "healthy" && (failures < 3 || passes >= 3)) failures = 0;
  }
  return failures >= 5;
}
const times = (count: number, state: SignalState): SignalState[] =>
  Array.from({ length: count }, () => state);

describe("a node's state", () => {
  it("is unknown before any check ran", () => {
    expect(after()).toBe("unknown");
  });

  it("is degraded by one or two failures in a row, and healthy again after one pass", () => {
    expect(after("unhealthy")).toBe("degraded");
    expect(after("unhealthy", "unhealthy")).toBe("degraded");
    expect(after("unhealthy", "unhealthy", "healthy")).toBe("healthy");
  });

  it("is unhealthy from the third failure in a row and evicted from the fifth, whatever decays in the seconds between", () => {
    expect(after(...times(3, "unhealthy"))).toBe("unhealthy");
    expect(after(...times(5, "unhealthy"))).toBe("evicted");
  });

  it("needs three passes in a row once it was unhealthy", () => {
    const failed = times(3, "unhealthy");
    expect(after(...failed, "healthy", "healthy")).toBe("unhealthy");
    expect(after(...failed, "healthy", "healthy", "unhealthy", "healthy", "healthy")).toBe("unhealthy");
    expect(after(...failed, "healthy", "healthy", "healthy")).toBe("healthy");
  });

  it("is at best degraded while a check is unknown or degraded, and is never evicted by it", () => {
    expect(after(...times(20, "unknown"))).toBe("degraded");
    expect(after(...times(20, "degraded"))).toBe("degraded");
  });

  it("does not count a check that does not apply", () => {
    expect(after("not_applicable")).toBe("healthy");
  });

  it("is the worst of its checks", () => {
    const streaks = createNodeStreaks(HealthThresholds);
    streaks.observe("cpu", "healthy", 0);
    for (let run = 0; run < 3; run += 1) streaks.observe("disk", "unhealthy", 0);
    expect(streaks.verdict(0)).toBe("unhealthy");
  });

  it("halves its failures with each quiet hour, as a real number", () => {
    const streaks = createNodeStreaks(HealthThresholds);
    for (let run = 0; run < 4; run += 1) streaks.observe("gpu", "unhealthy", 0);
    expect(streaks.failures("gpu", 3600)).toBeCloseTo(2);
    expect(streaks.failures("gpu", 1800)).toBeCloseTo(2.828);
  });

  it("forgets the failures of a check that the node no longer has", () => {
    const streaks = createNodeStreaks(HealthThresholds);
    streaks.observe("cpu", "healthy", 0);
    for (let run = 0; run < 5; run += 1) streaks.observe("custom", "unhealthy", 0);
    streaks.keepOnly(new Set(["cpu"]));
    expect(streaks.verdict(0)).toBe("healthy");
  });

  it("is evicted exactly when a check failed five times with never three passes in a row between", () => {
    const state = fc.constantFrom<SignalState>("healthy", "degraded", "unhealthy", "unknown");
    fc.assert(
      fc.property(fc.array(state, { maxLength: 20 }), (history) => {
        expect(after(...history) === "evicted").toBe(isEvictedByModel(history));
      }),
    );
  });

  it("is never healthy right after a failure, and always healthy after enough passes", () => {
    const state = fc.constantFrom<SignalState>("healthy", "degraded", "unhealthy", "unknown");
    fc.assert(
      fc.property(fc.array(state, { maxLength: 40 }), (history) => {
        expect(after(...history, "unhealthy")).not.toBe("healthy");
        expect(after(...history, ...times(3, "healthy"))).toBe("healthy");
      }),
    );
  });
});
