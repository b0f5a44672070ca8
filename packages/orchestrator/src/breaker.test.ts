import { HealthThresholds } from "@ringrift/protocol";
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

  it("ignores a late success while it is open", () => {
    const breaker = opened();
    breaker.record(true, 1);
    expect(breaker.state(1)).toBe("open");
  });
});
