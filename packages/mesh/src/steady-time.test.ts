import { expect, test } from "vitest";
import { steadyTime } from "./steady-time.ts";

test("it never goes back and stays with the monotonic clock while the machine is awake", () => {
  const now = steadyTime();
  const ahead = now() - performance.now();
  let before = now();
  for (let reading = 0; reading < 2_000; reading += 1) {
    const at = now();
    expect(at).toBeGreaterThanOrEqual(before);
    before = at;
  }
  expect(now() - performance.now() - ahead).toBeLessThan(1_000);
});
