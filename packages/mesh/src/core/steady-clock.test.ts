import { expect, test } from "vitest";
import { createSteadyClock, steadyNow } from "./steady-clock.ts";

test("it follows the monotonic clock while the machine is awake", () => {
  const clock = createSteadyClock(500, 90_000);
  expect(steadyNow(clock, 1_500, 91_000)).toBe(1_500);
});

test("time asleep, in which the monotonic clock stands still, counts", () => {
  const clock = createSteadyClock(500, 90_000);
  expect(steadyNow(clock, 600, 150_100)).toBe(60_600);
  expect(steadyNow(clock, 700, 150_200)).toBe(60_700);
});

test("an uptime that is told in coarse steps never turns it back", () => {
  const clock = createSteadyClock(0, 0);
  let before = 0;
  for (let ms = 0; ms < 5_000; ms += 3) {
    const now = steadyNow(clock, ms, Math.floor(ms / 10) * 10);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now - ms).toBeLessThanOrEqual(10);
    before = now;
  }
});
