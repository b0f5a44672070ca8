import { expect, it } from "vitest";
import { LogRing } from "./log-ring.ts";

it("joins lines split over chunks, stream by stream", () => {
  const ring = new LogRing();
  ring.write("stdout", "hel");
  ring.write("stderr", "oops\n");
  ring.write("stdout", "lo\r\nrest");
  ring.flush();
  expect(ring.snapshot().lines).toEqual([
    { stream: "stderr", text: "oops" },
    { stream: "stdout", text: "hello" },
    { stream: "stdout", text: "rest" },
  ]);
  expect(ring.lastWords()).toBe("oops");
});

it("keeps 500 lines of 4096 characters and counts the rest", () => {
  const ring = new LogRing();
  ring.write("stdout", Array.from({ length: 600 }, (_, i) => `${i}\n`).join(""));
  for (let i = 0; i < 100; i += 1) ring.write("stdout", "x".repeat(1000));
  ring.write("stdout", "\n");
  const { lines, dropped, cutCharacters } = ring.snapshot();
  expect(lines).toHaveLength(500);
  expect(dropped).toBe(101);
  expect(lines.at(-1)?.text).toHaveLength(4096);
  expect(cutCharacters).toBe(100_000 - 4096);
});
