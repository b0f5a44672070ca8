import { describe, expect, test } from "vitest";
import { createDetectionRun, type DetectionOptions, untilAllList } from "./detection.ts";

const clusters: readonly (readonly [number, number])[] = [
  [1, 4],
  [3, 2],
  [3, 27],
  [5, 25],
];
const seeds = [1, 2, 3, 4, 5];

describe.each(clusters)("%i servers, %i agents", (servers, agents) => {
  const start = (seed: number): ReturnType<typeof createDetectionRun> => {
    const run = createDetectionRun({ seed, servers, agents });
    run.run(5_000);
    return run;
  };

  test.each(seeds)("a killed agent is down everywhere within 1 s (seed %i)", (seed) => {
    const run = start(seed);
    run.kill("n1");
    expect(untilAllList(run, "n1", "down")).toBeLessThanOrEqual(1_000);
    expect(run.everDown()).toEqual(["n1"]);
  });

  test.each(seeds)("a frozen agent is suspect within 3.1 s and down within 4.5 s (seed %i)", (seed) => {
    const run = start(seed);
    run.freeze("n1");
    const suspectMs = untilAllList(run, "n1", "suspect");
    expect(suspectMs).toBeLessThanOrEqual(3_100);
    expect(suspectMs + untilAllList(run, "n1", "down")).toBeLessThanOrEqual(4_500);
  });
});

test.each(seeds)("20 % loss of heartbeats for 10 minutes declares nobody down (seed %i)", (seed) => {
  const options: DetectionOptions = { seed, servers: 3, agents: 50, loss: 0.2 };
  const run = createDetectionRun(options);
  run.run(600_000);
  expect(run.everDown()).toEqual([]);
});

test.each(seeds)("pauses of 3 s declare nobody down (seed %i)", (seed) => {
  const run = createDetectionRun({ seed, servers: 3, agents: 20 });
  run.run(2_000);
  for (const agent of run.agents) {
    run.freeze(agent);
    run.run(3_000);
    run.thaw(agent);
    run.run(700);
  }
  expect(run.everDown()).toEqual([]);
});

test("a rack that goes silent is held back, and down after the hold", () => {
  const run = createDetectionRun({ seed: 1, servers: 3, agents: 30 });
  run.run(3_000);
  for (const agent of run.agents.slice(0, 10)) run.freeze(agent);
  run.run(20_000);
  expect(run.everDown()).toEqual([]);
  run.run(30_000);
  expect(run.everDown()).toHaveLength(10);
});
