import { describe, expect, it } from "vitest";
import { limits } from "./limits.ts";
import { Turnstile } from "./turnstile.ts";

/** A thousand who come at one instant and each again when told; how often they knocked, and when the last was in. */
function crowd(size: number): { readonly knocks: number; readonly lastInAt: number } {
  const turnstile = new Turnstile(0);
  let knocks = 0;
  let lastInAt = 0;
  /** When each comes next, the latest first. */
  const comings = Array.from({ length: size }, () => 0);
  for (let now = comings.pop(); now !== undefined; now = comings.pop()) {
    knocks += 1;
    if (turnstile.enter(now)) lastInAt = now;
    else {
      const next = now + (turnstile.turn(now) ?? 4_000);
      comings.splice(comings.findLastIndex((other) => other >= next) + 1, 0, next);
    }
  }
  return { knocks, lastInAt };
}

describe("a turnstile", () => {
  it("has a thousand who come at once in after six seconds, none of whom knocked more than twice", () => {
    const { knocks, lastInAt } = crowd(1_000);
    expect(knocks).toBe(2 * 1_000 - limits.accepts.burst);
    expect(lastInAt).toBeLessThan(6_000);
  });

  it("gives no turn beyond the longest wait, and gives turns again as time passes", () => {
    const turnstile = new Turnstile(0);
    const most = (limits.longestTurnMs / 1_000) * limits.turnsPerSecond;
    for (let index = 0; index < most; index += 1) expect(turnstile.turn(0)).not.toBeNull();
    expect(turnstile.turn(0)).toBeNull();
    expect(turnstile.turn(1_000)).not.toBeNull();
  });

  it("has six thousand in at its pace", () => {
    expect(crowd(6_000).lastInAt).toBeLessThan((6_000 / limits.turnsPerSecond) * 1_000 + 4_000);
  });

  it("gives turns further apart while handshakes are slow", () => {
    const turnstile = new Turnstile(0);
    for (let index = 0; index < 1_000; index += 1) turnstile.noteHandshake(3_200);
    const [first = 0, second = 0] = [turnstile.turn(0), turnstile.turn(0)].map(Number);
    expect(second - first).toBeGreaterThanOrEqual(3_200 / limits.pendingPerAddress - 1);
  });
});
