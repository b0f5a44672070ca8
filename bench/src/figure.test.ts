import { describe, expect, it } from "vitest";
import { jsonLine, median, quantile, table } from "./figure.ts";

const figure = {
  name: "child_restart_seconds",
  unit: "s",
  value: 0.008,
  runs: [0.009, 0.008, 0.007],
  peer: { name: "runit", version: "2.1.2", value: 0.004 },
};

describe("a figure", () => {
  it("is told to scripts with the ratio to its peer", () => {
    expect(JSON.parse(jsonLine(figure))).toEqual({ ...figure, ratio: 2 });
  });

  it("is told to people with its range and its peer", () => {
    expect(table([figure]).split("\n")[1]).toMatch(
      /^child_restart_seconds +0\.008 s +0\.007-0\.009, 3 runs +runit 2\.1\.2: 0\.004 s +x2$/,
    );
  });

  it("without its peer says why", () => {
    expect(table([{ name: "a", unit: "s", value: 1, note: "serf is not installed" }])).toContain(
      "serf is not installed",
    );
  });
});

describe("quantiles", () => {
  it("lie between the closest ranks", () => {
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([1, 2, 3], 1)).toBe(3);
  });

  it("of nothing are an error", () => {
    expect(() => median([])).toThrow("no values");
  });
});
