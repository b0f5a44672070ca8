import { describe, expect, it } from "vitest";
import { changeVoters, type UsedVoters } from "./voters-change.ts";

const used = (
  voters: readonly string[],
  inForce = true,
  before: readonly string[] | null = null,
): UsedVoters => ({
  voters,
  inForce,
  before,
});

describe("a server's list of voters", () => {
  it("is any at first", () => {
    expect(changeVoters(null, ["a", "b", "c"])).toEqual(used(["a", "b", "c"], false));
  });

  it("may stay, in any order, whether or not it was ever in force", () => {
    const same = used(["a", "b", "c"], false);
    expect(changeVoters(same, ["c", "a", "b"])).toBe(same);
  });

  it("may grow or shrink by one server once a leader was known under it", () => {
    const three = used(["a", "b", "c"]);
    expect(changeVoters(three, ["a", "b", "c", "d"])).toEqual(
      used(["a", "b", "c", "d"], false, ["a", "b", "c"]),
    );
    expect(changeVoters(three, ["a", "b"])).toEqual(used(["a", "b"], false, ["a", "b", "c"]));
    expect(changeVoters(used(["a", "b", "c"], false), ["a", "b"])).toBe("too_soon");
  });

  it("may go back to what it was before a change that came to nothing", () => {
    const changed = used(["a", "b", "c", "d"], false, ["a", "b", "c"]);
    expect(changeVoters(changed, ["a", "b", "c"])).toEqual(used(["a", "b", "c"]));
    expect(changeVoters(changed, ["a", "b", "d"])).toBe("too_soon");
  });

  it("may not change by two at once, nor put one server in another's place", () => {
    expect(changeVoters(used(["a", "b", "c"]), ["a", "b", "c", "d", "e"])).toBe("too_far");
    expect(changeVoters(used(["a", "b", "c"]), ["a"])).toBe("too_far");
    expect(changeVoters(used(["a", "b", "c"]), ["a", "b", "d"])).toBe("too_far");
  });

  it("may grow from one server to any number, which takes its whole cluster along", () => {
    expect(changeVoters(used(["a"], false), ["a", "b", "c"])).toEqual(used(["a", "b", "c"], false, ["a"]));
  });
});
