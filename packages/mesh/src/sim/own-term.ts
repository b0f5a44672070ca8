import type { ElectionMessage } from "../core/election.ts";

/** The term that the sender of a message is in; a poll speaks of a term that nobody is in yet. */
export function ownTerm(message: ElectionMessage): number {
  if (message.type === "pre_vote") return Math.max(0, message.term - 1);
  if (message.type === "pre_vote_reply") return message.voterTerm;
  return message.term;
}
