import { describe, expect, it } from "vitest";
import { SlidingWindow } from "./sliding-window.ts";

describe("a sliding window", () => {
  it("counts what lies inside and forgets what is older than its length", () => {
    const window = new SlidingWindow(300);
    window.record(true, 0);
    window.record(false, 100);
    expect(window.counts(299)).toEqual({ ok: 1, failed: 1, total: 2 });
    expect(window.counts(300)).toEqual({ ok: 0, failed: 1, total: 1 });
    expect(window.counts(400).total).toBe(0);
  });

  it("does not keep counts from the future after its clock was set back", () => {
    const window = new SlidingWindow(300);
    window.record(false, 10_000);
    window.record(true, 100);
    expect(window.counts(100)).toEqual({ ok: 1, failed: 0, total: 1 });
    expect(window.counts(400).total).toBe(0);
  });
});
