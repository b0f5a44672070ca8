import { describe, expect, it } from "vitest";
import { CascadeBreaker } from "./cascade-breaker.ts";

function restart(breaker: CascadeBreaker, times: number, at: number): void {
  for (let i = 0; i < times; i += 1) breaker.record(at);
}

describe("the cascade breaker", () => {
  it("pauses non-critical restarts after 25 in 300 s and lets them go when the oldest is 300 s old", () => {
    const breaker = new CascadeBreaker(0);
    restart(breaker, 1, 400_000);
    restart(breaker, 23, 500_000);
    expect(breaker.waitMs(500_000, false)).toBe(0);
    restart(breaker, 1, 500_000);
    expect(breaker.waitMs(500_000, false)).toBe(200_000);
    expect(breaker.waitMs(699_999, false)).toBe(1);
    expect(breaker.waitMs(700_000, false)).toBe(0);
  });

  it("never holds a critical daemon back, but counts it", () => {
    const breaker = new CascadeBreaker(0);
    restart(breaker, 1000, 400_000);
    expect(breaker.waitMs(400_000, true)).toBe(0);
    expect(breaker.waitMs(400_000, false)).toBeGreaterThan(0);
  });

  it("allows 100 in the first 300 s, on their own account", () => {
    const breaker = new CascadeBreaker(0);
    restart(breaker, 99, 200_000);
    expect(breaker.waitMs(200_000, false)).toBe(0);
    restart(breaker, 1, 200_000);
    expect(breaker.waitMs(200_000, false)).toBe(100_000);
    expect(breaker.waitMs(300_000, false)).toBe(0);
  });
});
