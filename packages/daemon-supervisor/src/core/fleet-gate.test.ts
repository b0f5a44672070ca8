import { expect, it } from "vitest";
import { checkFleetLimits, defaultFleetLimits, FleetGate } from "./fleet-gate.ts";

it("spaces restarts out, and pauses those of non-critical daemons when there were too many", () => {
  const gate = new FleetGate(0, { ...defaultFleetLimits, restarts: 3, restartsAtStart: 3, windowMs: 10_000 });
  const now = 20_000;
  expect([gate.pausedMs(now, false), gate.placeMs(now), gate.placeMs(now), gate.placeMs(now)]).toEqual([
    0, 0, 0, 0,
  ]);
  expect(gate.pausedMs(now, false)).toBe(10_000);
  expect(gate.pausedMs(now, true)).toBe(0);
});

it("is refused with a limit that its own rate never reaches, with the arithmetic", () => {
  expect(() => checkFleetLimits(defaultFleetLimits)).not.toThrow();
  expect(() => checkFleetLimits({ ...defaultFleetLimits, restartsPerSecond: 0.05 })).toThrow(
    "The limit of 25 restarts in 300 s can never be reached: 5 at once and 0.05 a second are 20 at most.",
  );
});
