import { applyProposal, proposalText } from "@ringrift/orchestrator";
import { expect, it } from "vitest";
import { AgreedNodes } from "./agreed-nodes.ts";

const retiring = (...nodes: readonly string[]): string =>
  nodes.reduce(
    (value, node) => applyProposal(value, proposalText({ type: "retire", node, reason: "", at: 1 })),
    "",
  );
const idsOf = (retired: ReadonlyMap<string, unknown> | null): readonly string[] | null =>
  retired === null ? null : [...retired.keys()];

it("goes by what lay on the disk until a majority has spoken, and by a majority alone from then on", () => {
  const agreed = new AgreedNodes();
  expect(idsOf(agreed.take({ value: retiring("a"), stamp: "3.1", confirmed: false }))).toEqual(["a"]);
  expect(agreed.confirmed).toBe(false);
  expect(idsOf(agreed.take({ value: retiring("a", "b"), stamp: "4.2", confirmed: true }))).toEqual([
    "a",
    "b",
  ]);
  expect(agreed.take({ value: retiring("c"), stamp: "5.3", confirmed: false })).toBeNull();
  expect(agreed.confirmed).toBe(true);
});

it("does not go back to an older value, whichever way it hears of it", () => {
  const agreed = new AgreedNodes();
  agreed.take({ value: retiring("a"), stamp: "10.2", confirmed: true });
  expect(agreed.take({ value: "", stamp: "9.30", confirmed: true })).toBeNull();
  expect(agreed.take({ value: "", stamp: "10.1", confirmed: true })).toBeNull();
  expect(idsOf(agreed.take({ value: "", stamp: "10.10", confirmed: true }))).toEqual([]);
});

it("goes on by the last value when a newer one cannot be read, and says why", () => {
  const agreed = new AgreedNodes();
  agreed.take({ value: retiring("a"), stamp: "1.1", confirmed: true });
  expect(agreed.take({ value: "{", stamp: "1.2", confirmed: true })).toBeNull();
  expect(agreed.fault).toMatch(/cannot be read here.*same version/);
  expect(idsOf(agreed.take({ value: retiring("b"), stamp: "1.3", confirmed: true }))).toEqual(["b"]);
  expect(agreed.fault).toBeNull();
});
