import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agedMemory, type DaemonMemory, daemonMemorySchema } from "./daemon-memory.ts";
import { defaultRestartLimits, RestartPolicy } from "./restart-policy.ts";

const hourMs = 3_600_000;
const memory: DaemonMemory = {
  restarts: 7,
  attempt: 3,
  crashLooping: true,
  deathAgesMs: [60_000, 1_000],
  stopped: true,
  lastExit: { text: "exited with code 1", ageMs: 1_000 },
};

describe("what is remembered of a daemon", () => {
  it("grows older while no supervisor runs", () => {
    expect(agedMemory(memory, 5_000)).toEqual({
      ...memory,
      deathAgesMs: [65_000, 6_000],
      lastExit: { text: "exited with code 1", ageMs: 6_000 },
    });
  });

  it("is forgotten 24 h after the last death, but not that an operator stopped it", () => {
    expect(agedMemory(memory, 24 * hourMs - 1_000).restarts).toBe(7);
    expect(agedMemory(memory, 24 * hourMs)).toEqual({
      restarts: 0,
      attempt: 0,
      crashLooping: false,
      deathAgesMs: [],
      stopped: true,
      lastExit: null,
    });
  });

  it("does not grow younger when the clock went back", () => {
    expect(agedMemory(memory, -hourMs)).toEqual(memory);
  });

  it("passes its own schema, and is refused when it is garbage", () => {
    expect(daemonMemorySchema.parse(JSON.parse(JSON.stringify(memory)))).toEqual(memory);
    expect(daemonMemorySchema.safeParse({ ...memory, restarts: -1 }).success).toBe(false);
    expect(daemonMemorySchema.safeParse({ ...memory, deathAgesMs: "x" }).success).toBe(false);
  });

  it("makes a policy decide as the one that was saved would have, whenever it is carried over", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 400_000 }),
      upMs: fc.option(fc.integer({ min: 0, max: 100_000 })),
      carryOver: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const limits = defaultRestartLimits(false);
        const kept = new RestartPolicy(limits);
        let carried = new RestartPolicy(limits);
        let now = 0;
        // Each supervisor has a monotonic clock of its own.
        let shift = 0;
        for (const { afterMs, upMs, carryOver } of steps) {
          now += afterMs;
          if (carryOver) {
            const saved = carried.memory(now + shift);
            shift += 123_456;
            carried = new RestartPolicy(limits, saved, now + shift);
          }
          const readySince = upMs === null ? null : now - upMs;
          const decision = carried.died(now + shift, readySince === null ? null : readySince + shift, 0.5);
          expect(decision).toEqual(kept.died(now, readySince, 0.5));
        }
      }),
    );
  });
});
