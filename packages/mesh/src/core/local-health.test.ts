import { expect, test } from "vitest";
import { createLocalHealth, noteLag } from "./local-health.ts";

test("a punctual observer accuses without delay", () => {
  const health = createLocalHealth();
  noteLag(health, 100, 0);
  expect(health.multiplier).toBe(1);
});

test("lag raises the multiplier at once, to 8 at most", () => {
  const health = createLocalHealth();
  noteLag(health, 600, 0);
  expect(health.multiplier).toBe(3);
  noteLag(health, 60_000, 1);
  expect(health.multiplier).toBe(8);
});

test("trust returns one step a second", () => {
  const health = createLocalHealth();
  noteLag(health, 750, 0);
  noteLag(health, 0, 999);
  expect(health.multiplier).toBe(4);
  for (const now of [1_000, 1_500, 2_000, 3_000, 9_000]) noteLag(health, 0, now);
  expect(health.multiplier).toBe(1);
});
