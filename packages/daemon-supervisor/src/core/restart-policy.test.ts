import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backoffMs,
  defaultRestartLimits,
  type RestartLimits,
  RestartPolicy,
  unreachableLimit,
} from "./restart-policy.ts";

const limits = defaultRestartLimits(false);
const noJitter = 0.5;

/** Repeatable numbers in [0, 1): a Weyl sequence, mixed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

describe("the restart policy", () => {
  it("doubles the delay from 1 s to at most 60 s", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => backoffMs(limits, attempt))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  it("restarts at once after a stable run, and only the first time", () => {
    const policy = new RestartPolicy(limits);
    expect(policy.died(60_000, 0, noJitter)).toMatchObject({ kind: "restart", delayMs: 0 });
    expect(policy.died(61_000, 60_500, noJitter)).toMatchObject({ kind: "restart", delayMs: 1000 });
    expect(policy.died(63_000, null, noJitter)).toMatchObject({ kind: "restart", delayMs: 2000 });
  });

  it("restarts at once after the first crash of all, if the run was ready, and waits after the next", () => {
    const policy = new RestartPolicy(limits);
    expect(policy.died(3_000, 0, noJitter)).toMatchObject({ kind: "restart", delayMs: 0 });
    expect(policy.died(6_000, 3_000, noJitter)).toMatchObject({ kind: "restart", delayMs: 1000 });
    expect(new RestartPolicy(limits).died(3_000, null, noJitter).delayMs).toBe(1000);
  });

  it("waits after a further crash one millisecond short of stable", () => {
    const policy = new RestartPolicy(limits);
    policy.died(1, 0, noJitter);
    expect(policy.died(60_000, 1, noJitter).delayMs).toBe(1000);
  });

  it("spreads delays by 20 % both ways", () => {
    expect(new RestartPolicy(limits).died(0, null, 0).delayMs).toBe(800);
    expect(new RestartPolicy(limits).died(0, null, 0.999999).delayMs).toBe(1200);
  });

  it("follows 1, 2, 4 s … with every delay in its bounds, and the same delays from the same seed", () => {
    const delays = (seed: number): number[] => {
      const random = seeded(seed);
      const policy = new RestartPolicy({ ...limits, burstDeaths: 1000, hourlyDeaths: 1000 });
      return Array.from({ length: 9 }, (_, death) => policy.died(death, null, random()).delayMs);
    };
    const seen = new Set<number>();
    for (let seed = 0; seed < 1000; seed += 1) {
      const drawn = delays(seed);
      expect(drawn).toEqual(delays(seed));
      for (const [attempt, delayMs] of drawn.entries()) {
        expect(Math.abs(delayMs / backoffMs(limits, attempt) - 1)).toBeLessThanOrEqual(0.2);
      }
      seen.add(drawn[0] ?? 0);
    }
    expect(seen.size).toBeGreaterThan(100);
  });

  it("calls five deaths in 120 s a crash loop, and four not", () => {
    const policy = new RestartPolicy(limits);
    for (const at of [0, 30_000, 60_000, 90_000])
      expect(policy.died(at, null, noJitter).kind).toBe("restart");
    expect(policy.died(119_999, null, noJitter)).toMatchObject({ kind: "degraded", delayMs: 900_000 });
  });

  it("does not count a death that is 120 s old", () => {
    const policy = new RestartPolicy(limits);
    for (const at of [0, 30_000, 60_000, 90_000, 120_000]) {
      expect(policy.died(at, null, noJitter).kind).toBe("restart");
    }
  });

  it("calls more than ten deaths in an hour a crash loop, however stable the runs were", () => {
    const policy = new RestartPolicy(limits);
    for (let death = 1; death <= 10; death += 1) {
      expect(policy.died(death * 300_000, (death - 1) * 300_000, noJitter)).toMatchObject({ delayMs: 0 });
    }
    expect(policy.died(3_300_000, 3_000_000, noJitter)).toMatchObject({ kind: "degraded" });
    expect(policy.degraded).toBe(true);
  });

  it("counts an hour's deaths over an hour, also when the burst window is longer", () => {
    const policy = new RestartPolicy({ ...limits, burstDeaths: 100, burstWindowMs: 7_200_000 });
    for (let death = 1; death <= 12; death += 1) {
      expect(policy.died(death * 400_000, (death - 1) * 400_000, noJitter).kind).toBe("restart");
    }
  });

  it("stays degraded at long intervals until a run is stable", () => {
    const policy = new RestartPolicy(defaultRestartLimits(true));
    for (let death = 0; death < 5; death += 1) policy.died(death, null, noJitter);
    expect(policy.died(86_400_000, 86_399_000, noJitter)).toMatchObject({
      kind: "degraded",
      delayMs: 300_000,
    });
    expect(policy.died(90_000_000, 86_800_000, noJitter)).toMatchObject({ kind: "restart", delayMs: 0 });
  });

  it("forgets everything when an operator starts the daemon anew", () => {
    const policy = new RestartPolicy(limits);
    for (let death = 0; death < 5; death += 1) policy.died(death, null, noJitter);
    policy.reset();
    expect(policy.degraded).toBe(false);
    expect(policy.died(10, null, noJitter)).toMatchObject({ kind: "restart", delayMs: 1000 });
  });

  it("is degraded exactly when a window is over its limit or no run was stable since; delays keep their bounds", () => {
    // Often exactly where a rule changes its answer.
    const span = fc.oneof(fc.constantFrom(0, 30_000, 59_999, 60_000), fc.integer({ min: 0, max: 600_000 }));
    const life = fc.record({
      downMs: span,
      upMs: fc.option(span),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    const anyLimits = fc.record({
      burstDeaths: fc.integer({ min: 1, max: 20 }),
      burstWindowMs: fc.integer({ min: 1000, max: 10_000_000 }),
      hourlyDeaths: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(life, { maxLength: 60, size: "max" }), fc.option(anyLimits), (lives, chosen) => {
        const { burstDeaths, burstWindowMs, hourlyDeaths } = chosen ?? limits;
        const policy = new RestartPolicy({ ...limits, ...chosen });
        const deaths: number[] = [];
        let now = 0;
        let looping = false;
        for (const { downMs, upMs, random } of lives) {
          const readySince = upMs === null ? null : now + downMs;
          now = (readySince ?? now + downMs) + Number(upMs);
          deaths.push(now);
          const decision = policy.died(now, readySince, random);
          const within = (windowMs: number): number => deaths.filter((at) => now - at < windowMs).length;
          looping &&= Number(upMs) < 60_000;
          looping ||= within(burstWindowMs) >= burstDeaths || within(3_600_000) > hourlyDeaths;
          expect(decision.kind).toBe(looping ? "degraded" : "restart");
          const [least, most] = looping ? [900_000, 900_000] : [0, 72_000];
          expect(decision.delayMs).toBeGreaterThanOrEqual(least);
          expect(decision.delayMs).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});

describe("limits that can never be reached", () => {
  it("are none by default", () => {
    expect(unreachableLimit(defaultRestartLimits(true))).toBe(null);
    expect(unreachableLimit(defaultRestartLimits(false))).toBe(null);
  });

  it("are refused with the arithmetic", () => {
    const slow = { ...limits, firstDelayMs: 50_000, jitterRatio: 0 };
    expect(unreachableLimit(slow)).toBe(
      "5 deaths take at least 170 s (delays 0+50+60+60 s, less 0 % jitter), not less than the window of 120 s, so a crash loop would never be seen",
    );
    expect(unreachableLimit({ ...limits, hourlyDeaths: 100 })).toContain("not less than an hour");
  });

  it("are refused exactly from the delay on at which an unbroken crash loop no longer reaches them", () => {
    const withDelay = (delayMs: number): RestartLimits => ({
      ...limits,
      firstDelayMs: delayMs,
      maxDelayMs: delayMs,
      jitterRatio: 0,
    });
    const loop = (delayMs: number): string[] => {
      const policy = new RestartPolicy(withDelay(delayMs));
      let now = 0;
      return [1, 2, 3, 4, 5].map(() => {
        const decision = policy.died(now, now, noJitter);
        now += decision.delayMs;
        return decision.kind;
      });
    };
    expect(unreachableLimit(withDelay(39_999))).toBe(null);
    expect(loop(39_999)).toContain("degraded");
    expect(unreachableLimit(withDelay(40_000))).toContain("5 deaths take at least 120 s");
    expect(loop(40_000)).not.toContain("degraded");
  });
});
