import { expect, test } from "vitest";
import { admit, firstFence } from "./fence.ts";

const fence = { generation: 1, term: 5 };

test("a command of the epoch that the fence knows is carried out and moves nothing", () => {
  expect(admit(fence, { generation: 1, term: 5 })).toEqual({ accepted: true, fence });
  expect(admit(fence, { generation: 1, term: 5 }).fence).toBe(fence);
});

test("a later epoch is obeyed and raises the fence", () => {
  const epoch = { generation: 1, term: 6 };
  expect(admit(fence, epoch)).toEqual({ accepted: true, fence: epoch });
  expect(admit(firstFence, epoch).fence).toEqual(epoch);
});

test("a command of an earlier term, or of an earlier way to choose leaders, is refused", () => {
  expect(admit(fence, { generation: 1, term: 4 })).toEqual({ accepted: false, fence });
  expect(admit(fence, { generation: 0, term: 900 })).toEqual({ accepted: false, fence });
});

test("a new generation outranks every term before it", () => {
  expect(admit(fence, { generation: 2, term: 0 }).accepted).toBe(true);
});
