import { eachLetter, has, put, rowLength } from "./mailbag.ts";
import { createMessageBook, type Letter } from "./message-book.ts";
import { createTransitions, type Outcome, selfEvents } from "./transitions.ts";
import { brokenRule } from "./vote-rules.ts";
import { type Candidate, createWidestStates } from "./widest-states.ts";

// Explores every order of events. A state is the voters' snapshots and the set of all messages that ever
// left: each may arrive at any time, any number of times, or never. That is loss, duplication, delay and reordering at once.
// Since nobody has to receive a message, more messages only allow more: an answer that leaves its sender as it was is given
// at once, and the states without it need no visit.

export interface SearchOptions {
  /** Events that would raise a term beyond this are not followed. */
  readonly maxTerm: number;
  /** Gives up after so many visits; unset, never. */
  readonly maxVisits?: number;
}

export interface SearchProgress {
  /** States whose events were all followed. */
  readonly visits: number;
  /** States kept, each wider than all others with the same voters. */
  readonly states: number;
  /** Known states that are not visited yet. */
  readonly open: number;
}

export interface SearchResult extends SearchProgress {
  /** Distinct snapshots of single voters, and distinct messages. */
  readonly snapshots: number;
  readonly messages: number;
  /** Whether every reachable state within `maxTerm` was visited, or one that allows more. */
  readonly complete: boolean;
  /** A rule that some order of events breaks, with such an order; null when there is none. */
  readonly violation: { readonly rule: string; readonly trace: readonly string[] } | null;
}

const progressEvery = 100_000;
const voters: readonly string[] = ["a", "b", "c"];

interface Trail {
  readonly before: Trail | null;
  readonly what: () => string;
}

interface Visit extends Candidate {
  readonly trail: Trail | null;
}

export function search(
  options: SearchOptions,
  onProgress: (progress: SearchProgress) => void = () => {},
  onLetter: (letter: Letter) => void = () => {},
): SearchResult {
  const { maxTerm, maxVisits = Number.POSITIVE_INFINITY } = options;
  const book = createMessageBook();
  const transitions = createTransitions(voters, maxTerm, book);
  const widest = createWidestStates<Visit>();
  const open: Visit[] = [];
  let violation: SearchResult["violation"] = null;
  let visits = 0;

  const letterOf = (id: number): Letter => {
    const letter = book.letters[id];
    if (letter === undefined) throw new RangeError(`There is no message ${id}.`);
    return letter;
  };
  const told = ({ voter, crashed }: Outcome): string =>
    `${crashed ? "crashes before its write: " : ""}${transitions.describe(voter)}`;

  /** Adds a message that left; false when that breaks a rule. */
  const post = (row: Int32Array, id: number, trail: Trail | null): boolean => {
    if (has(row, id)) return true;
    const before: Letter[] = [];
    eachLetter(row, (each) => before.push(letterOf(each)));
    const rule = brokenRule(letterOf(id), before, voters);
    put(row, id);
    onLetter(letterOf(id));
    if (rule !== null) violation ??= { rule, trace: [...steps(trail), `and so ${written(letterOf(id))}`] };
    return rule === null;
  };

  /** What the receiver of a message says to it and stays as it is. */
  const answersTo = (row: Int32Array, letter: Letter): number[] => {
    const voter = row[indexOf(letter.to)] ?? 0;
    const outcomes = transitions.onLetter(voter, letter);
    return outcomes.flatMap((outcome) =>
      outcome.voter === voter && !outcome.crashed ? [...outcome.letters] : [],
    );
  };

  /** Gives every such answer, and the answers to the answers. */
  const answerAll = (row: Int32Array, trail: Trail | null): void => {
    for (let more = true; more; ) {
      const answers: number[] = [];
      eachLetter(row, (id) => answers.push(...answersTo(row, letterOf(id))));
      more = answers.some((id) => !has(row, id));
      for (const id of answers) post(row, id, trail);
    }
  };

  const follow = (from: Visit, voterIndex: number, outcome: Outcome, event: () => string): void => {
    if (outcome.voter === from.row[voterIndex] && outcome.letters.every((id) => has(from.row, id))) return;
    const trail: Trail = { before: from.trail, what: () => `${event()} — ${told(outcome)}` };
    const row = from.row.slice();
    row[voterIndex] = outcome.voter;
    for (const id of outcome.letters) post(row, id, trail);
    answerAll(row, trail);
    const visit: Visit = { row, trail, dropped: false };
    if (widest.add(visit)) open.push(visit);
  };

  const expand = (from: Visit): void => {
    for (const [voterIndex, self] of voters.entries())
      for (const event of selfEvents)
        for (const outcome of transitions.onSelf(from.row[voterIndex] ?? 0, event))
          follow(from, voterIndex, outcome, () => `${self}: ${event}`);
    eachLetter(from.row, (id) => {
      const letter = letterOf(id);
      const voterIndex = indexOf(letter.to);
      for (const outcome of transitions.onLetter(from.row[voterIndex] ?? 0, letter))
        follow(from, voterIndex, outcome, () => written(letter));
    });
  };

  const start: Visit = { row: new Int32Array(rowLength), trail: null, dropped: false };
  for (const [index, self] of voters.entries()) start.row[index] = transitions.initial(self);
  widest.add(start);
  open.push(start);
  const progress = (): SearchProgress => ({ visits, states: widest.size(), open: open.length });
  while (violation === null && visits < maxVisits) {
    const visit = open.pop();
    if (visit === undefined) break;
    if (visit.dropped) continue;
    expand(visit);
    visits += 1;
    if (visits % progressEvery === 0) onProgress(progress());
  }
  const { length: messages } = book.letters;
  const complete = open.length === 0 && violation === null;
  return { ...progress(), snapshots: transitions.snapshots(), messages, complete, violation };
}

function indexOf(id: string): number {
  return voters.indexOf(id);
}

function written({ from, to, message }: Letter): string {
  return `${from} -> ${to} ${JSON.stringify(message)}`;
}

function steps(trail: Trail | null): string[] {
  const lines: string[] = [];
  for (let at = trail; at !== null; at = at.before) lines.unshift(at.what());
  return lines;
}
