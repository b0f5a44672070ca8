import type { SignalState } from "@ringrift/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hold, nothingHeld } from "./hysteresis.ts";

const counts = { raise: 3, clear: 2 };
function told(...seen: SignalState[]): (SignalState | null)[] {
  let held = nothingHeld;
  return seen.map((state) => {
    held = hold(held, state, counts);
    return held.told;
  });
}

describe("hysteresis", () => {
  it("tells of the first run whatever it is, so that a single scan hides nothing", () => {
    expect(told("unhealthy")).toEqual(["unhealthy"]);
  });

  it("does not tell of a spike, and tells of a fault that stays", () => {
    expect(told("healthy", "degraded", "healthy", "unhealthy", "degraded", "unhealthy")).toEqual([
      "healthy",
      "healthy",
      "healthy",
      "healthy",
      "healthy",
      "unhealthy",
    ]);
  });

  it("does not take one good run for a recovery", () => {
    expect(told("unhealthy", "healthy", "unhealthy", "healthy", "degraded")).toEqual([
      "unhealthy",
      "unhealthy",
      "unhealthy",
      "unhealthy",
      "degraded",
    ]);
  });

  it("tells at once that nothing is known, and what comes after it", () => {
    expect(told("healthy", "unknown", "unhealthy", "not_applicable", "healthy")).toEqual([
      "healthy",
      "unknown",
      "unhealthy",
      "not_applicable",
      "healthy",
    ]);
  });

  it("with counts of one is what was seen", () => {
    const states = fc.array(fc.constantFrom<SignalState>("healthy", "degraded", "unhealthy", "unknown"));
    fc.assert(
      fc.property(states, (seen) => {
        let held = nothingHeld;
        for (const state of seen) {
          held = hold(held, state, { raise: 1, clear: 1 });
          expect(held.told).toBe(state);
        }
      }),
    );
  });

  it("tells of any state that is seen often enough in a row", () => {
    const states = fc.array(fc.constantFrom<SignalState>("healthy", "degraded", "unhealthy", "unknown"));
    fc.assert(
      fc.property(states, fc.constantFrom<SignalState>("healthy", "degraded", "unhealthy"), (seen, last) => {
        expect(told(...seen, last, last, last).at(-1)).toBe(last);
      }),
    );
  });
});
