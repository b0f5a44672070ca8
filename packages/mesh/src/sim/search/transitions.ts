import { type ElectionEffect, type ElectionState, step } from "../../core/election.ts";
import type { Letter, MessageBook } from "./message-book.ts";
import { copyOf, keyOf, quiet, type Snapshot, settle, started } from "./snapshot.ts";

/** What may come of one event at one voter: its next snapshot, and the messages that left. */
export interface Outcome {
  readonly voter: number;
  readonly letters: readonly number[];
  /** The process crashed in the middle of its effects. */
  readonly crashed: boolean;
}

/** Things that happen to a voter by itself. */
export const selfEvents = ["restart", "quiet", "time-out", "transfer"] as const;
type SelfEvent = (typeof selfEvents)[number];

/** Voters' snapshots by number, and what each does on each event: worked out by the real core, once. */
export interface Transitions {
  readonly initial: (self: string) => number;
  readonly onLetter: (voter: number, letter: Letter) => readonly Outcome[];
  readonly onSelf: (voter: number, event: SelfEvent) => readonly Outcome[];
  readonly describe: (voter: number) => string;
  readonly snapshots: () => number;
}

export function createTransitions(
  voters: readonly string[],
  maxTerm: number,
  book: MessageBook,
): Transitions {
  const snapshots: Snapshot[] = [];
  const numbers = new Map<string, number>();
  /** By snapshot, then by letter or event. */
  const knownOnLetter: (readonly Outcome[])[][] = [];
  const knownOnSelf: Map<SelfEvent, readonly Outcome[]>[] = [];

  const number = (snapshot: Snapshot): number => {
    const key = keyOf(snapshot);
    const before = numbers.get(key);
    if (before !== undefined) return before;
    snapshots.push(snapshot);
    knownOnLetter.push([]);
    knownOnSelf.push(new Map());
    numbers.set(key, snapshots.length - 1);
    return snapshots.length - 1;
  };
  const at = (voter: number): Snapshot => {
    const snapshot = snapshots[voter];
    if (snapshot === undefined) throw new RangeError(`There is no snapshot ${voter}.`);
    return snapshot;
  };

  /** The whole step, and each crash that differs: one before a write that something left ahead of. */
  const outcomesOf = (
    before: Snapshot,
    state: ElectionState,
    effects: readonly ElectionEffect[],
  ): Outcome[] => {
    const { self } = before.state;
    const outcomes: Outcome[] = [];
    const letters: number[] = [];
    let { disk } = before;
    for (const effect of effects) {
      if (effect.type === "send") letters.push(book.note(self, effect.to, effect.message).id);
      if (effect.type !== "persist") continue;
      if (letters.length > 0)
        outcomes.push({ voter: number(started(self, voters, disk)), letters: [...letters], crashed: true });
      disk = { term: effect.term, votedFor: effect.votedFor };
    }
    if (state.term <= maxTerm)
      outcomes.push({ voter: number({ state: settle(state), disk }), letters, crashed: false });
    return outcomes;
  };

  const bySelf = (before: Snapshot, event: SelfEvent): Outcome[] => {
    const plain = (snapshot: Snapshot): Outcome[] => [
      { voter: number(snapshot), letters: [], crashed: false },
    ];
    const state = copyOf(before.state);
    switch (event) {
      case "restart":
        return plain(started(state.self, voters, before.disk));
      case "quiet":
        return plain({ ...before, state: settle(quiet(state)) });
      case "transfer":
        return outcomesOf(before, state, step(state, { type: "transfer" }, 0));
      case "time-out": {
        const late = quiet(state);
        return outcomesOf(before, late, step(late, { type: "tick" }, 0));
      }
    }
  };

  return {
    initial: (self) => number(started(self, voters, { term: 0, votedFor: null })),
    onLetter: (voter, { id, from, message }) => {
      const known = knownOnLetter[voter]?.[id];
      if (known !== undefined) return known;
      const before = at(voter);
      const state = copyOf(before.state);
      const outcomes = outcomesOf(before, state, step(state, { type: "message", from, message }, 0));
      const row = knownOnLetter[voter];
      if (row !== undefined) row[id] = outcomes;
      return outcomes;
    },
    onSelf: (voter, event) => {
      const known = knownOnSelf[voter]?.get(event);
      if (known !== undefined) return known;
      const outcomes = bySelf(at(voter), event);
      knownOnSelf[voter]?.set(event, outcomes);
      return outcomes;
    },
    describe: (voter) => {
      const { self, role, term, votedFor } = at(voter).state;
      return `${self} is ${role} in term ${term}, vote ${votedFor ?? "free"}`;
    },
    snapshots: () => snapshots.length,
  };
}
