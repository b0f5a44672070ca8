import { expect, test } from "vitest";
import { explainFailure, simulate } from "./simulation.ts";

test.each([
  [1, 10],
  [2, 10],
  [3, 100],
  [4, 50],
  [5, 60],
  [7, 10],
])("%i voters hold every invariant over %i schedules", { timeout: 60_000 }, (nodes, seeds) => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const options = { seed, nodes };
    if (simulate(options).failure !== null) expect.fail(explainFailure(options));
  }
});

test("one seed is one schedule", () => {
  const lines = (): string[] => {
    const trace: string[] = [];
    simulate({ seed: 11, nodes: 5 }, (line) => trace.push(line));
    return trace;
  };
  expect(lines()).toEqual(lines());
  expect(lines().length).toBeGreaterThan(20);
});

test("a schedule without faults elects once and commands", () => {
  const result = simulate({ seed: 6, nodes: 3, faultyMs: 0 });
  expect(result).toMatchObject({ failure: null, elections: 1 });
  const longer = simulate({ seed: 5, nodes: 3, faultyMs: 6_001 });
  expect(longer).toMatchObject({ failure: null, elections: 1 });
  expect(longer.commands).toBeGreaterThan(10);
});

test("a schedule is told with its seed, its last steps and how to repeat it", () => {
  const text = explainFailure({ seed: 5, nodes: 3 });
  expect(text).toBe("Seed 5 with 3 voters holds every invariant.");
});
