import { expect, test } from "vitest";
import type { ElectionMessage } from "../../core/election.ts";
import { contradiction, nothingTold, said, type Told, written } from "./told.ts";

const grant = (term: number): ElectionMessage => ({ type: "vote_reply", term, granted: true, quietMs: 0 });
const afterGrant = said(nothingTold, "a", "b", grant(2));

test.each<[string, Told, string, ElectionMessage, string | null]>([
  ["a second vote in one term", afterGrant, "c", grant(2), "a votes for b and for c in term 2"],
  [
    "a vote for itself after one for another",
    afterGrant,
    "c",
    { type: "vote", term: 2, transfer: false },
    "a votes for b and for a in term 2",
  ],
  ["a term that falls", afterGrant, "b", { type: "lead", term: 1, sentAt: 0 }, "a is in term 1 after term 2"],
  [
    "a term below the one on disk",
    written(nothingTold, { term: 3, votedFor: null }),
    "b",
    grant(2),
    "a is in term 2 after term 3",
  ],
  ["the same vote again", afterGrant, "b", grant(2), null],
  ["a vote in a later term", afterGrant, "c", grant(3), null],
  ["a poll for the next term", afterGrant, "c", { type: "pre_vote", term: 3 }, null],
])("after its word: %s", (_what, told, to, message, problem) => {
  expect(contradiction(told, "a", to, message)).toBe(problem);
});
