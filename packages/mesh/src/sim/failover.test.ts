import { expect, test } from "vitest";
import { type Departure, failoverMs } from "./failover.ts";

test.each<[Departure, number, number, number]>([
  ["killed", 3, 300, 1_500],
  ["killed", 5, 300, 1_500],
  ["frozen", 3, 1_500, 4_000],
  ["frozen", 5, 1_500, 4_000],
  ["asked to stop", 3, 60, 100],
  ["asked to stop", 5, 60, 100],
])(
  "leader %s among %i: followed anew within %i virtual ms by the median, %i at worst",
  (departure, nodes, median, worst) => {
    const times = Array.from({ length: 101 }, (_, seed) => failoverMs({ seed, nodes, departure }));
    times.sort((a, b) => a - b);
    expect(times[50]).toBeLessThanOrEqual(median);
    expect(times.at(-1)).toBeLessThanOrEqual(worst);
  },
);
