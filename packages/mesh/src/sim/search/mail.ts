import type { ElectionMessage } from "../../core/election.ts";

// Messages are of two kinds. Binding ones say what their sender has done: they arrive only once sent, and then at any time, any
// number of times or never, which is loss, duplication, delay and reordering at once. All others promise nothing, so the
// network may invent them: what holds against every invention holds against whatever a voter would have said.

/** The binding messages that were ever sent to one voter, one bit for each. */
export type Mail = number;

/** A message on its way to a voter. */
export interface Letter {
  readonly from: string;
  readonly message: ElectionMessage;
  /** Its place in the voter's mail; 0 when it binds nobody. */
  readonly bit: Mail;
}

const kinds = 4;

/** The bit of a message of a term of the search, to a voter that shares the configuration with `others`. */
export function bitOf(from: string, message: ElectionMessage, others: readonly string[]): Mail {
  const kind = bindingKind(message);
  const sender = others.indexOf(from);
  return kind === null || sender < 0
    ? 0
    : 1 << (((message.term - 1) * others.length + sender) * kinds + kind);
}

/** How many terms have room in the mail of one of so many voters. */
export function termsWithRoom(voters: number): number {
  return Math.floor(32 / (kinds * (voters - 1)));
}

/** All binding messages that voters can send in terms 1 to `maxTerm`. */
export function bindingLetters(senders: readonly string[], maxTerm: number): Letter[] {
  return senders.flatMap((from) =>
    terms(1, maxTerm).flatMap((term) => {
      const messages: readonly ElectionMessage[] = [
        { type: "vote", term, transfer: false },
        { type: "vote", term, transfer: true },
        { type: "vote_reply", term, granted: true, quietMs: 0 },
        { type: "lead", term, sentAt: 0 },
      ];
      return messages.map((message) => ({ from, message, bit: bitOf(from, message, senders) }));
    }),
  );
}

/** All that binds nobody, whoever says it; and what would bind, from somebody who is no other voter. */
export function inventions(self: string, others: readonly string[], maxTerm: number): Letter[] {
  const idle = others.flatMap((from) =>
    terms(0, maxTerm).flatMap((term) => {
      const messages: readonly ElectionMessage[] = [
        { type: "pre_vote", term: term + 1 },
        ...terms(0, maxTerm).flatMap((voterTerm): ElectionMessage[] => [
          { type: "pre_vote_reply", term: term + 1, granted: true, voterTerm },
          { type: "pre_vote_reply", term: term + 1, granted: false, voterTerm },
        ]),
        { type: "vote_reply", term, granted: false, quietMs: 0 },
        { type: "lead_reply", term, sentAt: 0 },
        { type: "timeout_now", term },
      ];
      return messages.map((message) => ({ from, message, bit: 0 }));
    }),
  );
  const strange = bindingLetters(["stranger", self], maxTerm).map((letter) => ({ ...letter, bit: 0 }));
  return [...idle, ...strange];
}

function bindingKind(message: ElectionMessage): number | null {
  if (message.type === "vote") return message.transfer ? 1 : 0;
  if (message.type === "vote_reply") return message.granted ? 2 : null;
  return message.type === "lead" ? 3 : null;
}

function terms(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
