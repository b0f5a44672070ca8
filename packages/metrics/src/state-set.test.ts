import { describe, expect, it } from "vitest";
import { stateSet } from "./state-set.ts";

describe("stateSet", () => {
  it("gives one series per state, 1 for the current one", () => {
    expect(stateSet(["up", "down"], "down", { node: "a" })).toEqual([
      { labels: { node: "a", state: "up" }, value: 0 },
      { labels: { node: "a", state: "down" }, value: 1 },
    ]);
  });

  it("gives no series when the state is not known", () => {
    expect(stateSet(["up", "down"], null)).toEqual([]);
  });

  it("takes another label name", () => {
    expect(stateSet(["HEALTHY"], "HEALTHY", {}, "level")[0]?.labels).toEqual({ level: "HEALTHY" });
  });
});
