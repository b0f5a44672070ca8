import fc from "fast-check";
import { expect, it } from "vitest";
import { StartPacer } from "./start-pacer.ts";

it("gives a burst at once, then one place after another, and a new burst after a rest", () => {
  const pacer = new StartPacer(5, 3);
  expect(Array.from({ length: 6 }, () => pacer.reserveMs(0))).toEqual([0, 0, 0, 200, 400, 600]);
  expect(pacer.reserveMs(10_000)).toBe(0);
  expect(pacer.reserveMs(10_000)).toBe(0);
  expect(pacer.reserveMs(10_000)).toBe(0);
  expect(pacer.reserveMs(10_000)).toBe(200);
});

it("never lets more than burst and rate through in any span", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 100 }), (pauses) => {
      const pacer = new StartPacer(5, 5);
      let now = 0;
      const starts: number[] = [];
      for (const pause of pauses) {
        now += pause;
        starts.push(now + pacer.reserveMs(now));
      }
      for (const [i, from] of starts.entries()) {
        const within = starts.slice(i).filter((at) => at < from + 1_000).length;
        expect(within).toBeLessThanOrEqual(10);
      }
    }),
  );
});
