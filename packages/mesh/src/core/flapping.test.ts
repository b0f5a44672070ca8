import { expect, test } from "vitest";
import { createFlapping, damp, type Flapping } from "./flapping.ts";

/** A member whose link is up and down for three seconds each, and how often its state was told anew. */
function flap(flapping: Flapping, minutes: number): { readonly told: number; readonly now: number } {
  let [told, now, shown] = [0, 0, "alive"];
  const tell = (state: string): void => {
    if (state !== shown) told += 1;
    shown = state;
  };
  while (now < minutes * 60_000) {
    tell(damp(flapping, "suspect", now));
    tell(damp(flapping, "down", now + 1_500));
    tell(damp(flapping, "alive", now + 3_000));
    now += 6_000;
  }
  return { told, now };
}

test("a member that comes and goes for ten minutes is told of for one, and then as one suspect", () => {
  expect(flap(createFlapping(), 10).told).toBe(30);
});

test("it is alive again after a minute without absence", () => {
  const flapping = createFlapping();
  const { now } = flap(flapping, 2);
  expect(damp(flapping, "alive", now + 50_000)).toBe("suspect");
  expect(damp(flapping, "alive", now + 60_000)).toBe("alive");
});

test("a long absence is told all the same", () => {
  const flapping = createFlapping();
  const { now } = flap(flapping, 2);
  expect(damp(flapping, "down", now)).toBe("suspect");
  expect(damp(flapping, "down", now + 29_000)).toBe("suspect");
  expect(damp(flapping, "down", now + 30_000)).toBe("down");
});

test("nine returns in a minute, and a goodbye at any time, are told as they come", () => {
  const flapping = createFlapping();
  for (let now = 0; now < 54_000; now += 6_000) {
    expect(damp(flapping, "down", now)).toBe("down");
    expect(damp(flapping, "alive", now + 3_000)).toBe("alive");
  }
  flap(flapping, 2);
  expect(damp(flapping, "left", 130_000)).toBe("left");
  expect(damp(flapping, "alive", 131_000)).toBe("alive");
});
