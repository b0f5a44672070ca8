import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServerClocks } from "./server-clocks.ts";

const from = { voter: "a:1", server: "server-1" };

describe("the servers' clocks", () => {
  it("are known within half of the way there and back, however lopsided it is", () => {
    const ms = fc.integer({ min: 0, max: 60_000 });
    fc.assert(
      fc.property(ms, ms, fc.integer({ min: -1e9, max: 1e9 }), (there, back, offsetMs) => {
        const clocks = new ServerClocks();
        const askedAt = clocks.ask(from.voter, 5_000);
        const wallMs = 1.7e12;
        // The server's clock is behind by the offset, so this node's is ahead by it.
        clocks.take(from, { askedAt, wallMs: wallMs + there - offsetMs }, at(5_000, wallMs, there + back));
        const [clock] = clocks.view(5_000 + there + back);
        expect(clock?.uncertaintySeconds).toBeCloseTo((there + back) / 2000, 6);
        const error = Math.abs((clock?.offsetSeconds ?? 0) - offsetMs / 1000);
        expect(error).toBeLessThanOrEqual((clock?.uncertaintySeconds ?? 0) + 1e-6);
      }),
    );
  });

  it("are told with the age of the answer, and not at all once it is old", () => {
    const clocks = new ServerClocks();
    clocks.take(from, { askedAt: clocks.ask(from.voter, 0), wallMs: 0 }, at(0, 0, 10));
    expect(clocks.view(60_010)).toMatchObject([{ server: "server-1", ageSeconds: 60 }]);
    expect(clocks.view(400_000)).toEqual([]);
  });

  it("are not taken from an answer to no question, to an older one, or of a link that is gone", () => {
    const clocks = new ServerClocks();
    const answer = { askedAt: 1, wallMs: 5 };
    clocks.take(from, answer, at(1, 0, 1));
    clocks.ask(from.voter, 1);
    clocks.ask(from.voter, 2);
    clocks.take(from, answer, at(1, 0, 1));
    clocks.forget(from.voter);
    clocks.take(from, { ...answer, askedAt: 2 }, at(1, 0, 1));
    expect(clocks.view(3)).toEqual([]);
  });
});

function at(now: number, wallMs: number, later: number): { now: number; wallMs: number } {
  return { now: now + later, wallMs: wallMs + later };
}
