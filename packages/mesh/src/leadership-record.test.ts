import { describe, expect, it } from "vitest";
import { LeadershipRecord } from "./leadership-record.ts";

const minute = 60_000;

describe("the record of leadership", () => {
  it("is the share of the time since the start in which a leader was known", () => {
    const record = new LeadershipRecord(1_000);
    expect(record.view(1_000)).toEqual({ availability: null, windowSeconds: 3_600, changes: 0 });
    record.note(null, "0.0", 1_000);
    record.note("a", "1.1", 2_000);
    expect(record.view(5_000).availability).toBeCloseTo(0.75);
    record.note(null, "1.1", 5_000);
    expect(record.view(9_000).availability).toBeCloseTo(3 / 8);
  });

  it("forgets what is more than an hour ago", () => {
    const record = new LeadershipRecord(0);
    record.note(null, "0.0", 30 * minute);
    record.note("a", "1.1", 30 * minute);
    expect(record.view(60 * minute).availability).toBeCloseTo(0.5, 1);
    expect(record.view(75 * minute).availability).toBeGreaterThan(0.74);
    expect(record.view(95 * minute).availability).toBe(1);
  });

  it("passes over a sleep of days without counting through it", () => {
    const record = new LeadershipRecord(0);
    record.note("a", "1.1", 0);
    expect(record.view(1e12).availability).toBe(1);
  });

  it("counts each leader, and the same one in a later term, but not a moment without one", () => {
    const record = new LeadershipRecord(0);
    record.note("a", "1.1", 1);
    record.note(null, "1.1", 2);
    record.note("a", "1.1", 3);
    expect(record.view(4).changes).toBe(1);
    record.note("a", "1.2", 5);
    record.note("b", "1.3", 6);
    expect(record.view(7).changes).toBe(3);
  });
});
