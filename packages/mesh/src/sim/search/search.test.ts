import { expect, test } from "vitest";
import type { ElectionMessage } from "../../core/election.ts";
import type { Letter } from "./message-book.ts";
import { search } from "./search.ts";
import { brokenRule } from "./vote-rules.ts";

/** For a machine that does much else. */
const timeout = 60_000;

// The whole of term 1 takes seconds, so it is left to `pnpm sim --exhaustive`.
test.each([
  [1, 4_000],
  [3, 1_500],
])(
  "to term %i no order of events among the first %i states breaks a rule of voting",
  { timeout },
  (maxTerm, maxVisits) => {
    const { violation, visits, messages } = search({ maxTerm, maxVisits });
    if (violation !== null) expect.fail([violation.rule, ...violation.trace].join("\n"));
    expect(visits).toBe(maxVisits);
    expect(messages).toBeGreaterThan(50);
  },
);

test("the search follows elections through: leaders, their acknowledgements and their heirs", () => {
  const seen = new Set<string>();
  search({ maxTerm: 1, maxVisits: 300 }, undefined, (letter) => seen.add(letter.message.type));
  expect([...seen].sort()).toEqual([
    "lead",
    "lead_reply",
    "pre_vote",
    "pre_vote_reply",
    "timeout_now",
    "vote",
    "vote_reply",
  ]);
});

const voters = ["a", "b", "c"];
const letter = (from: string, to: string, message: ElectionMessage): Letter => ({ id: 0, from, to, message });
const grant = (from: string, to: string, term: number): Letter =>
  letter(from, to, { type: "vote_reply", term, granted: true, quietMs: 0 });
const lead = (from: string, term: number): Letter => letter(from, "c", { type: "lead", term, sentAt: 0 });

test.each([
  [
    "two leaders of one term",
    lead("b", 1),
    [grant("c", "b", 1), grant("a", "b", 1), lead("a", 1)],
    "both lead",
  ],
  ["a leader without votes", lead("b", 1), [], "1 of 2 votes"],
  ["a second vote", grant("c", "b", 1), [grant("c", "a", 1)], "votes for a and for b"],
  ["a term that falls", lead("a", 1), [grant("b", "a", 1), lead("a", 2)], "in term 1 after term 2"],
])("%s is seen", (_what, left, before, problem) => {
  expect(brokenRule(left, before, voters)).toContain(problem);
});

test("an election as it should be breaks nothing", () => {
  expect(brokenRule(lead("a", 1), [grant("b", "a", 1), grant("b", "a", 1)], voters)).toBeNull();
});
