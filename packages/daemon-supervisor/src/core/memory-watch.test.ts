import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryWatch } from "./memory-watch.ts";

const megabyte = 1024 * 1024;
const watch = (samples = 3): MemoryWatch => new MemoryWatch({ maxBytes: 100 * megabyte, samples });

/** Looks as often as the watch asks for; `use` is in megabytes, by milliseconds. What it said, and when. */
function lookUntil(
  one: MemoryWatch,
  use: (ms: number) => number,
  untilMs: number,
): { said: string | null; at: number; looks: number } {
  let looks = 0;
  for (let at = 0; at <= untilMs; at += one.nextInMs(1)) {
    looks += 1;
    const said = one.looked(use(at) * megabyte, at);
    if (said !== null) return { said, at, looks };
  }
  return { said: null, at: untilMs, looks };
}

describe("a memory limit", () => {
  it("crossed by one peak does nothing, however high", () => {
    expect(lookUntil(watch(), (ms) => (ms === 5_000 ? 1_000 : 50), 60_000).said).toBeNull();
  });

  it("crossed for as long as its samples take ends the run, and says by how much", () => {
    expect(lookUntil(watch(), () => 150, 60_000)).toMatchObject({
      said: "uses 150 MB, more than its limit of 100 MB, for 10 s",
      at: 10_000,
    });
    const back = lookUntil(watch(), (ms) => (ms % 9_000 === 0 ? 99 : 150), 60_000);
    expect(back.said).toBeNull();
  });

  it("that goes on being outgrown ends the run within a second, however fast the leak", () => {
    for (const megabytesPerSecond of [10, 50, 100]) {
      const { said, at } = lookUntil(watch(), (ms) => 20 + (megabytesPerSecond * ms) / 1000, 60_000);
      expect(said).toContain("goes on growing");
      expect(at - (80 / megabytesPerSecond) * 1000).toBeLessThanOrEqual(1_000);
    }
  });

  it("of one sample is final at once, and not crossed at exactly its value", () => {
    expect(watch(1).looked(100 * megabyte, 0)).toBeNull();
    expect(watch(1).looked(100 * megabyte + 1, 0)).toBe("uses 100 MB, more than its limit of 100 MB");
  });

  it("costs a look a second far from it, four near it, and fewer for many processes", () => {
    expect(lookUntil(watch(), () => 50, 60_000).looks).toBeLessThanOrEqual(62);
    const near = watch();
    near.looked(85 * megabyte, 0);
    expect([near.nextInMs(1), near.nextInMs(200)]).toEqual([250, 2_000]);
  });

  it("is never called crossed by looks of which the last is not above it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 20_000 }))),
        (looks) => {
          const one = watch();
          let now = 0;
          for (const [megabytes, ms] of looks) {
            now += ms;
            const said = one.looked(megabytes * megabyte, now);
            if (megabytes <= 100) expect(said).toBeNull();
            if (said !== null) return;
          }
        },
      ),
    );
  });
});
