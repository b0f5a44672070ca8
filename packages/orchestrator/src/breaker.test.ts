import { HealthThresholds } from "@ringrift/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, createBreaker } from "./breaker.ts";

function opened(): Breaker {
  const breaker = createBreaker(HealthThresholds);
  for (let call = 0; call < 5; call += 1) breaker.record(false, 0);
  return breaker;
}

describe("a circuit breaker", () => {
  it("opens at the fifth failure in a row, and a success in between starts over", () => {
    const breaker = createBreaker(HealthThresholds);
    for (let call = 0; call < 4; call += 1) breaker.record(false, 0);
    breaker.record(true, 0);
    for (let call = 0; call < 4; call += 1) breaker.record(false, 0);
    expect(breaker.state(0)).toBe("closed");
    breaker.record(false, 0);
    expect(breaker.state(0)).toBe("open");
    expect(breaker.allows(0)).toBe(false);
  });

  it("is half-open after 60 s and lets two trial calls through", () => {
    const breaker = opened();
    expect(breaker.state(59.9)).toBe("open");
    expect(breaker.state(60)).toBe("half_open");
    expect([breaker.allows(60), breaker.allows(60), breaker.allows(60)]).toEqual([true, true, false]);
  });

  it("closes on a success of a trial and opens again on a failure", () => {
    const closing = opened();
    closing.record(true, 60);
    expect(closing.state(60)).toBe("closed");
    const failing = opened();
    failing.record(false, 60);
    expect(failing.state(61)).toBe("open");
    expect(failing.state(120)).toBe("half_open");
  });

  it("lets two more trial calls through when those before never answered", () => {
    const breaker = opened();
    for (const seconds of [60, 60, 119.9]) breaker.allows(seconds);
    expect(breaker.allows(119.9)).toBe(false);
    expect([breaker.allows(120), breaker.allows(121), breaker.allows(122)]).toEqual([true, true, false]);
  });

  it("opens after five failures in a row and never with fewer, whatever came before, and always lets a call through in time", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (calls) => {
        const breaker = createBreaker(HealthThresholds);
        let inARow = 0;
        for (const ok of calls) {
          breaker.record(ok, 0);
          inARow = ok ? 0 : inARow + 1;
          if (inARow >= 5) break;
          expect(breaker.state(0)).toBe("closed");
        }
        expect(breaker.state(0)).toBe(inARow >= 5 ? "open" : "closed");
        expect(breaker.allows(60)).toBe(true);
      }),
    );
  });

  it("never stays shut: in any order of calls and answers, a call is let through within two periods", () => {
    const step = fc.record({ seconds: fc.nat({ max: 90 }), act: fc.constantFrom("ask", "ok", "failed") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const breaker = createBreaker(HealthThresholds);
        let now = 0;
        for (const { seconds, act } of steps) {
          now += seconds;
          if (act === "ask") breaker.allows(now);
          else breaker.record(act === "ok", now);
        }
        expect(breaker.allows(now + 120)).toBe(true);
      }),
    );
  });

  it("ignores a late success while it is open", () => {
    const breaker = opened();
    breaker.record(true, 1);
    expect(breaker.state(1)).toBe("open");
  });
});
