import { expect, test } from "vitest";
import { explainFailure, simulate } from "./simulation.ts";

test.each([
  [1, 20],
  [2, 20],
  [3, 150],
  [5, 150],
  [7, 20],
])("%i voters hold every invariant over %i schedules", (nodes, seeds) => {
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

test("a schedule without faults elects once", () => {
  const result = simulate({ seed: 5, nodes: 3, faultyMs: 0 });
  expect(result).toMatchObject({ failure: null, elections: 1 });
});
