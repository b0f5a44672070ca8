import { expect, it } from "vitest";
import { LineQueue } from "./line-queue.ts";

const line = (number: number): { stream: "stdout"; text: string; timeMs: number } => ({
  stream: "stdout",
  text: String(number),
  timeMs: number,
});

it("holds no more than 2,000 lines for a reader that does not read, and counts exactly what it dropped", () => {
  const queue = new LineQueue([line(0)]);
  for (let i = 1; i < 100_000; i += 1) queue.push(line(i));
  const { lines, lost } = queue.take();
  expect(lines.length).toBeLessThanOrEqual(2_000);
  expect(lost + lines.length).toBe(100_000);
  expect(lines.map(({ text }) => Number(text))).toEqual(lines.map((_, i) => lost + i));
  expect(queue.take()).toEqual({ lines: [], lost: 0 });
});
