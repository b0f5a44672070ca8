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

test("repeats and strangers do not count", () => {
  expect(countQuorum(["a", "b", "c"], ["a", "a", "x", "y"])).toMatchObject({ held: false, have: 1 });
});

test("without voters there is no quorum to hold", () => {
  expect(countQuorum([], ["a"])).toEqual({ configured: false, held: false, have: 0, need: 0 });
  expect(majority(0)).toBe(Number.POSITIVE_INFINITY);
});
