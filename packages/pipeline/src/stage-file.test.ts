import { describe, expect, it } from "vitest";
import { parseStages } from "./stage-file.ts";

describe("a user's own stages", () => {
  it("are read in order, with limits in hours", () => {
    expect(parseStages({ training: 24, "label-2": 0.5 })).toEqual([
      { name: "training", limitHours: 24 },
      { name: "label-2", limitHours: 0.5 },
    ]);
  });

  it.each([
    ["training", { training: 0 }],
    ["training", { training: "24" }],
    ["Training", { Training: 24 }],
    ["0 stages", {}],
    ["the whole list", ["training"]],
    ["101 stages", Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`s${index}`, 1]))],
  ])("are refused naming %s", (named, value) => {
    expect(() => parseStages(value)).toThrow(
      expect.objectContaining({ code: "STAGES_INVALID", message: expect.stringContaining(named) }),
    );
  });
});
