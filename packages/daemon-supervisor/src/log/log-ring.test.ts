import { expect, it } from "vitest";
import { LogRing } from "./log-ring.ts";

const line = (text: string, stream: "stdout" | "stderr" = "stdout"): Parameters<LogRing["push"]>[0] => ({
  stream,
  text,
  timeMs: 0,
});

it("keeps the last lines and counts the rest", () => {
  const ring = new LogRing(500);
  for (let i = 0; i < 1600; i += 1) ring.push(line(`${i}`));
  const { lines, dropped } = ring.snapshot();
  expect(lines.map(({ text }) => text)).toEqual(Array.from({ length: 500 }, (_, i) => `${i + 1100}`));
  expect(dropped).toBe(1100);
});

it("keeps fewer lines when they are long", () => {
  const ring = new LogRing(500);
  for (let i = 0; i < 100; i += 1) ring.push(line("x".repeat(8192)));
  expect(ring.snapshot().lines).toHaveLength(32);
  expect(ring.snapshot().dropped).toBe(68);
});

it("takes the last thing said on stderr for the last words, else on stdout", () => {
  const ring = new LogRing(3);
  ring.push(line("working"));
  ring.push(line(" "));
  expect(ring.lastWords()).toBe("working");
  ring.push(line("oops", "stderr"));
  ring.push(line("bye"));
  expect(ring.lastWords()).toBe("oops");
  for (let i = 0; i < 3; i += 1) ring.push(line(`${i}`));
  expect(ring.lastWords()).toBe("2");
});
