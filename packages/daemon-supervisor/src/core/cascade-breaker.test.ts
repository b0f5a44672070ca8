import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CascadeBreaker } from "./cascade-breaker.ts";
import { defaultFleetLimits } from "./fleet-gate.ts";

function restart(breaker: CascadeBreaker, times: number, at: number): void {
  for (let i = 0; i < times; i += 1) breaker.record(at);
}

describe("the cascade breaker", () => {
  it("pauses non-critical restarts after 25 in 300 s and lets them go when the oldest is 300 s old", () => {
    const breaker = new CascadeBreaker(0, defaultFleetLimits);
    restart(breaker, 1, 400_000);
    restart(breaker, 23, 500_000);
    expect(breaker.waitMs(500_000, false)).toBe(0);
    restart(breaker, 1, 500_000);
    expect(breaker.waitMs(500_000, false)).toBe(200_000);
    expect(breaker.waitMs(699_999, false)).toBe(1);
    expect(breaker.waitMs(700_000, false)).toBe(0);
  });

  it("lets a restart happen exactly when a count over all restarts is under the limit, and says when that will be", () => {
    const limits = { restarts: 3, windowMs: 100, restartsAtStart: 5 };
    fc.assert(
      fc.property(
        fc.array(fc.record({ afterMs: fc.constantFrom(0, 1, 10, 20, 33, 40), critical: fc.boolean() }), {
          maxLength: 80,
          size: "max",
        }),
        (steps) => {
          const breaker = new CascadeBreaker(0, limits);
          const restarts: number[] = [];
          const allowed = (at: number): boolean => {
            const starting = at < limits.windowMs;
            const counted = restarts.filter(
              (then) => at - then < limits.windowMs && (starting || then >= limits.windowMs),
            );
            return counted.length < (starting ? limits.restartsAtStart : limits.restarts);
          };
          let now = 0;
          for (const { afterMs, critical } of steps) {
            now += afterMs;
            let firstAllowed = now;
            while (!allowed(firstAllowed)) firstAllowed += 1;
            expect(breaker.waitMs(now, false)).toBe(firstAllowed - now);
            if (!critical && firstAllowed > now) continue;
            breaker.record(now);
            restarts.push(now);
          }
        },
      ),
    );
  });

  it("never holds a critical daemon back, but counts it", () => {
    const breaker = new CascadeBreaker(0, defaultFleetLimits);
    restart(breaker, 1000, 400_000);
    expect(breaker.waitMs(400_000, true)).toBe(0);
    expect(breaker.waitMs(400_000, false)).toBeGreaterThan(0);
  });

  it("allows 100 in the first 300 s, on their own account", () => {
    const breaker = new CascadeBreaker(0, defaultFleetLimits);
    restart(breaker, 99, 200_000);
    expect(breaker.waitMs(200_000, false)).toBe(0);
    restart(breaker, 1, 200_000);
    expect(breaker.waitMs(200_000, false)).toBe(100_000);
    expect(breaker.waitMs(300_000, false)).toBe(0);
  });
});
