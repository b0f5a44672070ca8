import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FrameKind } from "./frame-budget.ts";
import { OutQueue, type Waiting } from "./out-queue.ts";

const kinds: readonly (FrameKind | null)[] = [
  "vote",
  "lead",
  "heartbeat",
  "membership",
  "status",
  "report",
  null,
];
const frame = (kind: FrameKind | null, text: string, bytes = 10): Waiting => ({ kind, text, bytes });

function drain(queue: OutQueue): string[] {
  const texts: string[] = [];
  for (let next = queue.shift(); next !== null; next = queue.shift()) texts.push(next.text);
  return texts;
}

describe("the queue of a peer", () => {
  it("sends election before membership before status before reports, each in order", () => {
    const queue = new OutQueue(1_000);
    for (const [kind, text] of [
      ["report", "r1"],
      ["status", "s"],
      ["membership", "m"],
      ["report", "r2"],
      ["lead", "l"],
      ["heartbeat", "h"],
      [null, "goodbye"],
    ] as const)
      queue.push(frame(kind, text));
    expect(drain(queue)).toEqual(["l", "goodbye", "m", "h", "s", "r1", "r2"]);
    expect(queue.isEmpty).toBe(true);
  });

  it("keeps of statuses the newest", () => {
    const queue = new OutQueue(1_000);
    queue.push(frame("status", "old"));
    expect(queue.push(frame("status", "new")).map(({ text }) => text)).toEqual(["old"]);
    expect(drain(queue)).toEqual(["new"]);
  });

  it("drops the oldest report first when it is full, and a report that alone is too much", () => {
    const queue = new OutQueue(30);
    queue.push(frame("membership", "m"));
    queue.push(frame("report", "r1"));
    queue.push(frame("report", "r2"));
    expect(queue.push(frame("report", "r3")).map(({ text }) => text)).toEqual(["r1"]);
    expect(queue.push(frame("vote", "v", 15)).map(({ text }) => text)).toEqual(["r2", "r3"]);
    expect(queue.push(frame("report", "r4", 31)).map(({ text }) => text)).toEqual(["r4"]);
    expect(drain(queue)).toEqual(["v", "m"]);
  });

  it("never holds more than its bound and loses no frame without saying so", () => {
    const frames = fc.array(
      fc.record({
        kind: fc.constantFrom(...kinds.filter((kind) => kind !== "vote" && kind !== "lead" && kind !== null)),
        text: fc.string(),
        bytes: fc.integer({ min: 1, max: 40 }),
      }),
    );
    fc.assert(
      fc.property(frames, (pushed) => {
        const queue = new OutQueue(100);
        let dropped = 0;
        for (const each of pushed) {
          dropped += queue.push(each).length;
          expect(queue.bytes).toBeLessThanOrEqual(100);
        }
        expect(drain(queue).length + dropped).toBe(pushed.length);
        expect(queue.bytes).toBe(0);
      }),
    );
  });
});
