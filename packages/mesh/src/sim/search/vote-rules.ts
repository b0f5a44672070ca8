import { majority } from "../../core/quorum.ts";
import { type Letter, ownTerm } from "./message-book.ts";

/** What is wrong once `letter` has left beside all that left before, or null. */
export function brokenRule(
  letter: Letter,
  before: readonly Letter[],
  voters: readonly string[],
): string | null {
  const { from, message } = letter;
  const term = ownTerm(message);
  for (const other of before) {
    if (other.from === from && ownTerm(other.message) > term)
      return `${from} is in term ${term} after term ${ownTerm(other.message)}`;
  }
  if (message.type === "lead") return leaderProblem(letter, before, voters);
  const candidate = votesFor(letter);
  if (candidate === null) return null;
  for (const other of before) {
    const earlier = other.from === from && other.message.term === message.term ? votesFor(other) : null;
    if (earlier !== null && earlier !== candidate)
      return `${from} votes for ${earlier} and for ${candidate} in term ${message.term}`;
  }
  return null;
}

function leaderProblem(
  { from, message }: Letter,
  before: readonly Letter[],
  voters: readonly string[],
): string | null {
  const votes = new Set([from]);
  for (const other of before) {
    if (other.message.term !== message.term) continue;
    if (other.message.type === "lead" && other.from !== from)
      return `${other.from} and ${from} both lead term ${message.term}`;
    if (votesFor(other) === from) votes.add(other.from);
  }
  const need = majority(voters.length);
  return votes.size >= need ? null : `${from} leads term ${message.term} with ${votes.size} of ${need} votes`;
}

/** Whom a message votes for; null when it is no vote. */
function votesFor({ from, to, message }: Letter): string | null {
  if (message.type === "vote") return from;
  return message.type === "vote_reply" && message.granted ? to : null;
}
