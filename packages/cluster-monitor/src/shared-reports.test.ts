import type { CheckReport, Reading } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { SharedReports, shared } from "./shared-reports.ts";

const reading = (fields: Partial<Reading> = {}): Reading => ({
  name: "disk_used_ratio",
  labels: { mount: "/", device: "sda1" },
  source: "statfs",
  observedAt: 10,
  value: 0.5,
  ...fields,
});
const check = (fields: Partial<CheckReport> = {}): CheckReport => ({
  check: "disk",
  state: "healthy",
  reason: "50 % of / used",
  details: { mounts: [{ mount: "/", ratio: 0.5 }] },
  readings: [reading()],
  observedAt: 10,
  durationSeconds: 0.1,
  ...fields,
});

describe("reports that share what they have in common", () => {
  it("say exactly what was told", () => {
    const pool = new SharedReports();
    const runs = [
      check(),
      check({ observedAt: 20, readings: [reading({ observedAt: 20 })] }),
      check({ readings: [reading({ value: null, absence: "unknown" })] }),
      check({ readings: [reading(), reading({ labels: { mount: "/data" } })], action: "Free some space." }),
      check({ readings: [reading({ labels: { mount: "/", device: "sda1", pool: "a" } })] }),
      check({ readings: [], details: {} }),
      check({ details: { mounts: [{ mount: "/", ratio: 0.6 }] } }),
    ];
    for (const before of [undefined, ...runs])
      for (const next of runs)
        expect(pool.check(before === undefined ? before : pool.check(undefined, before), next)).toStrictEqual(
          next,
        );
  });

  it("hold the names, labels and sources of like nodes once", () => {
    const pool = new SharedReports();
    const [one] = pool.check(undefined, check()).readings;
    const [other] = pool.check(undefined, check({ readings: [reading({ value: 0.7 })] })).readings;
    expect(other?.labels).toBe(one?.labels);
    expect(other?.value).toBe(0.7);
  });

  it("keep a reading and the details of the run before while they say the same", () => {
    const pool = new SharedReports();
    const before = pool.check(undefined, check());
    const after = pool.check(before, check({ observedAt: 20, reason: "50 % of / used, still" }));
    expect(after.readings).toBe(before.readings);
    expect(after.details).toBe(before.details);
  });

  it("begin the pool anew past its bound, and leave a long text out of it", () => {
    const pool = new SharedReports();
    const long = { path: "x".repeat(600) };
    const first = pool.check(undefined, check());
    for (let i = 0; i < 25_000; i += 1)
      pool.check(undefined, check({ readings: [reading({ labels: { i: `${i}` } })] }));
    const again = pool.check(undefined, check());
    expect(again).toStrictEqual(first);
    expect(again.readings[0]?.labels).not.toBe(first.readings[0]?.labels);
    const [one, other] = [1, 2].map(() =>
      pool.check(undefined, check({ readings: [reading({ labels: { ...long } })] })),
    );
    expect(one?.readings[0]?.labels).not.toBe(other?.readings[0]?.labels);
  });
});

it("a value is shared only with one that is equal in every part", () => {
  const before = { a: [1, { b: null }] };
  expect(shared(before, { a: [1, { b: null }] })).toBe(before);
  for (const next of [
    { a: [1, { b: 0 }] },
    { a: [1] },
    { a: { 0: 1, 1: { b: null } } },
    { c: [1, { b: null }] },
    null,
  ])
    expect(shared<unknown>(before, next)).toBe(next);
});
