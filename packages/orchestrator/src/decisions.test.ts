import { describe, expect, it } from "vitest";
import { applyProposal, maxRetired, type Proposal, proposalText, retiredNodes } from "./decisions.ts";

const retire = (node: string, reason = "", at = 100): Proposal => ({ type: "retire", node, reason, at });
const unretire = (node: string): Proposal => ({ type: "unretire", node });
const applied = (value: string, ...proposals: readonly Proposal[]): string =>
  proposals.reduce((before, proposal) => applyProposal(before, proposalText(proposal)), value);
const withCode = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("what operators decide", () => {
  it("begins with no node retired", () => {
    expect([...retiredNodes("")]).toEqual([]);
  });

  it("holds who was retired, why and when, until it is taken back", () => {
    const value = applied("", retire("gpu-1", "sent back", 7), retire("gpu-2"));
    expect(Object.fromEntries(retiredNodes(value))).toEqual({
      "gpu-1": { reason: "sent back", at: 7 },
      "gpu-2": { reason: "", at: 100 },
    });
    expect([...retiredNodes(applied(value, unretire("gpu-1"))).keys()]).toEqual(["gpu-2"]);
  });

  it("stays the same, to the letter, when it is so already", () => {
    const value = applied("", retire("gpu-1", "sent back"));
    expect(applied(value, retire("gpu-1", "sent back", 999))).toBe(value);
    expect(applied(value, retire("gpu-1"))).toBe(value);
    expect(applied(value, unretire("gpu-2"))).toBe(value);
    expect(applied("", unretire("gpu-2"))).toBe("");
  });

  it("keeps the first reason, and says it to who gives another", () => {
    const value = applied("", retire("gpu-1", "sent back"));
    expect(() => applied(value, retire("gpu-1", "burnt"))).toThrow(
      withCode("ALREADY_RETIRED", /"sent back"/),
    );
  });

  it("keeps what a newer version has put in", () => {
    const value = JSON.stringify({ silences: [1], retired: { a: { reason: "", at: 1, by: "eve" } } });
    expect(JSON.parse(applied(value, retire("b"), unretire("b")))).toEqual(JSON.parse(value));
  });

  it("holds at most 256 nodes", () => {
    const nodes = Array.from({ length: maxRetired }, (_, index) => retire(`gpu-${index}`));
    const full = applied("", ...nodes);
    expect(() => applied(full, retire("one-more"))).toThrow(withCode("TOO_MANY_RETIRED", /one-more/));
    expect(applied(full, retire("gpu-3"))).toBe(full);
  });

  it.each([
    ["no JSON", "{"],
    ["no proposal that is known", '{"type":"explode","node":"a"}'],
    ["a name that is no node's", proposalText(retire("a b"))],
    ["a name that JavaScript keeps for itself", proposalText(retire("__proto__"))],
    ["a reason of two lines", proposalText(retire("a", "one\ntwo"))],
    ["a reason too long", proposalText(retire("a", "x".repeat(201)))],
    ["more than it should say", '{"type":"unretire","node":"a","force":true}'],
  ])("refuses %s", (_, proposal) => {
    expect(() => applyProposal("", proposal)).toThrow(withCode("PROPOSAL_INVALID"));
  });

  it.each(["[]", "{", '{"retired":{"a":{}}}', '{"retired":[]}'])(
    "refuses to guess what %s means",
    (value) => {
      expect(() => retiredNodes(value)).toThrow(withCode("DECISIONS_UNREADABLE"));
      expect(() => applyProposal(value, proposalText(retire("a")))).toThrow(withCode("DECISIONS_UNREADABLE"));
    },
  );
});
