import type { Frame } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { type Admission, FrameBudget } from "./frame-budget.ts";
import { limits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

const vote: Frame = { type: "election", message: { type: "vote", term: 1, transfer: false } };
const lead: Frame = { type: "election", message: { type: "lead", term: 1, sentAt: 1 } };
const heartbeat: Frame = {
  type: "heartbeat",
  seq: 1,
  incarnation: { boot: 1, counter: 0 },
  loopLagMs: 0,
  epoch: "0.0",
  leaderId: null,
};

function admitted(budget: FrameBudget, frame: Frame, count: number, now: number): number {
  let taken = 0;
  for (let index = 0; index < count; index += 1) if (budget.admit(frame, now) === "admitted") taken += 1;
  return taken;
}

describe("the budget of a link", () => {
  it("lets 40 votes through at once and ten a second for long, whatever else the peer sends", () => {
    const budget = new FrameBudget("server", 1_000, 0);
    expect(admitted(budget, vote, 100, 0)).toBe(40);
    expect(admitted(budget, vote, 100, 1_000)).toBe(10);
    expect(admitted(budget, lead, 100, 1_000)).toBe(100);
  });

  it("lets five times the agreed heartbeats through", () => {
    const second = new FrameBudget("agent", 1_000, 0);
    const fast = new FrameBudget("agent", 100, 0);
    expect([admitted(second, heartbeat, 99, 0), admitted(fast, heartbeat, 99, 0)]).toEqual([20, 20]);
    expect([admitted(second, heartbeat, 99, 200), admitted(fast, heartbeat, 99, 200)]).toEqual([1, 10]);
  });

  it("lets an agent send a mebibyte a second, and counts frames before it reads them", () => {
    const budget = new FrameBudget("agent", 1_000, 0);
    const MiB = 1024 * 1024;
    expect(budget.admitUnread(2 * MiB, 0)).toBe("admitted");
    expect(budget.admitUnread(1, 0)).toBe("dropped");
    expect(budget.admitUnread(MiB, 1_000)).toBe("admitted");
    let frames = 0;
    while (budget.admitUnread(0, 1_000) === "admitted") frames += 1;
    expect(frames).toBeLessThanOrEqual(300);
  });

  it("gives up on a peer once it had 500 frames too many dropped", () => {
    const budget = new FrameBudget("agent", 1_000, 0);
    const outcomes: Admission[] = [];
    for (let index = 0; index < 20 + limits.excess.burst + 1; index += 1)
      outcomes.push(budget.admit(heartbeat, 0));
    expect(outcomes.at(-2)).toBe("dropped");
    expect(outcomes.at(-1)).toBe("excess");
  });
});

describe("a token bucket", () => {
  it("fills no further than its burst, and not at all while the clock stands or goes back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 1_000);
    expect([bucket.take(1_000), bucket.take(1_000), bucket.take(1_000), bucket.take(500)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(bucket.left(1_100)).toBeCloseTo(1);
    expect(bucket.left(1e9)).toBe(2);
  });
});
