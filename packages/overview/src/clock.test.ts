import { expect, it } from "vitest";
import { steadyClock } from "./clock.ts";

it("the steady clock starts at wall time and follows the monotonic clock", () => {
  let elapsedMs = 0;
  const now = steadyClock({ timeOrigin: 1_000_000, now: () => elapsedMs });
  expect(now()).toBe(1000);
  elapsedMs = 2500;
  expect(now()).toBe(1002.5);
});
