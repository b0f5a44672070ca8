import { expect, test } from "vitest";
import { countQuorum, majority } from "./quorum.ts";

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [7, 4],
])("of %i voters, %i are a majority", (voters, need) => {
  expect(majority(voters)).toBe(need);
});

test("the living are no measure: one of three is no quorum, however few live", () => {
  expect(countQuorum(["a", "b", "c"], ["a"])).toEqual({ configured: true, held: false, have: 1, need: 2 });
});

/** Whether any majority of the first `a` voters shares one with any majority of the first `b`. */
function majoritiesMeet(a: number, b: number): boolean {
  const majorities = (voters: number): number[] =>
    Array.from({ length: 1 << voters }, (_, set) => set).filter((set) => bits(set) >= majority(voters));
  return majorities(a).every((one) => majorities(b).every((other) => (one & other) !== 0));
}

function bits(set: number): number {
  return set.toString(2).replaceAll("0", "").length;
}

test("voters are added and taken away one at a time: then no majority of the old list can vote beside one of the new", () => {
  for (const voters of [1, 2, 3, 4, 5, 6]) {
    expect(majoritiesMeet(voters, voters + 1)).toBe(true);
    expect(majoritiesMeet(voters + 1, voters)).toBe(true);
  }
  expect(majoritiesMeet(3, 5)).toBe(false);
});

test("repeats and strangers do not count", () => {
  expect(countQuorum(["a", "b", "c"], ["a", "a", "x", "y"])).toMatchObject({ held: false, have: 1 });
});

test("without voters there is no quorum to hold", () => {
  expect(countQuorum([], ["a"])).toEqual({ configured: false, held: false, have: 0, need: 0 });
  expect(majority(0)).toBe(Number.POSITIVE_INFINITY);
});
