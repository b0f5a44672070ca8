import type { ElectionMessage } from "../../core/election.ts";

/** A message with its way, under one number. */
export interface Letter {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly message: ElectionMessage;
}

/** Numbers the distinct messages of a search. Times in them are dropped: the search has no clock. */
export interface MessageBook {
  readonly note: (from: string, to: string, message: ElectionMessage) => Letter;
  readonly letters: readonly Letter[];
}

export function createMessageBook(): MessageBook {
  const letters: Letter[] = [];
  const byText = new Map<string, Letter>();
  return {
    letters,
    note: (from, to, message) => {
      const timeless = withoutTimes(message);
      const text = `${from}>${to} ${JSON.stringify(timeless)}`;
      const known = byText.get(text);
      if (known !== undefined) return known;
      const letter: Letter = { id: letters.length, from, to, message: timeless };
      letters.push(letter);
      byText.set(text, letter);
      return letter;
    },
  };
}

function withoutTimes(message: ElectionMessage): ElectionMessage {
  switch (message.type) {
    case "lead":
    case "lead_reply":
      return { ...message, sentAt: 0 };
    case "vote_reply":
      return { ...message, quietMs: 0 };
    default:
      return message;
  }
}

/** The sender's own term; a poll speaks of a term that nobody is in yet. */
export function ownTerm(message: ElectionMessage): number {
  if (message.type === "pre_vote") return message.term - 1;
  if (message.type === "pre_vote_reply") return message.voterTerm;
  return message.term;
}
