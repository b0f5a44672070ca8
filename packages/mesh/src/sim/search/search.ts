import { type Letter, termsWithRoom } from "./mail.ts";
import { createSituations, type Move, type Situations } from "./situations.ts";

// Explores every order of events. A state is each voter's situation: its snapshot and the binding messages ever sent to it.
// A voter's silent steps commute with all that others do: nobody sees them, and what they need stays in the mail. So each
// voter makes its silent steps just before its next loud one, and only loud steps lead from state to state.

export interface SearchOptions {
  /** 2 to 5. */
  readonly nodes: number;
  /** Events that would raise a term beyond this are not followed; 32 / (4 * (nodes - 1)) at most. */
  readonly maxTerm: number;
}

export interface SearchProgress {
  /** States whose moves were all followed. */
  readonly visits: number;
  /** Known states that are not visited yet. */
  readonly open: number;
}

export interface SearchResult {
  readonly visits: number;
  /** Loud steps that led from state to state. */
  readonly moves: number;
  /** Distinct snapshots, and situations, of single voters. */
  readonly snapshots: number;
  readonly situations: number;
  /** A rule that some order of events breaks, with such an order; null when no order within `maxTerm` breaks one. */
  readonly violation: { readonly rule: string; readonly trace: readonly string[] } | null;
}

/** Each voter's situation. */
type State = readonly number[];

/** All voters together. */
export interface Voters {
  readonly situations: readonly Situations[];
  readonly initial: State;
  readonly after: (state: State, voter: number, move: Move) => State;
}

interface Trail {
  readonly before: Trail | null;
  readonly state: State;
  readonly voter: number;
  readonly move: Move;
}

const progressEvery = 100_000;

/** @throws {RangeError} for more terms than so many voters have room for */
export function createVoters({ nodes, maxTerm }: SearchOptions): Voters {
  const room = termsWithRoom(nodes);
  if (maxTerm > room)
    throw new RangeError(`With ${nodes} voters the search ends at term ${room}, not ${maxTerm}.`);
  const ids = ["a", "b", "c", "d", "e"].slice(0, nodes);
  const situations = ids.map((self) => createSituations(self, ids, maxTerm));
  return {
    situations,
    initial: situations.map(({ initial }) => initial),
    after: (state, voter, { next, outcome }) => {
      const after = [...state];
      after[voter] = next;
      for (const { to, bit } of outcome.sent) after[to] = situations[to]?.receive(after[to] ?? 0, bit) ?? 0;
      return after;
    },
  };
}

export function search(
  options: SearchOptions,
  onProgress: (progress: SearchProgress) => void = () => {},
): SearchResult {
  const voters = createVoters(options);
  const known = new Set([keyOf(voters.initial)]);
  /** In the order in which they were found, so that a violation is told with as few loud steps as it takes. */
  const found: { readonly state: State; readonly trail: Trail | null }[] = [
    { state: voters.initial, trail: null },
  ];
  let visits = 0;
  let moves = 0;
  let violation: SearchResult["violation"] = null;
  for (const { state, trail: before } of found) {
    if (violation !== null) break;
    visits += 1;
    for (const [voter, situations] of voters.situations.entries()) {
      for (const move of situations.moves(state[voter] ?? 0)) {
        moves += 1;
        const trail: Trail = { before, state, voter, move };
        if (move.broken !== null) violation ??= { rule: move.broken, trace: told(voters, trail) };
        const after = voters.after(state, voter, move);
        const key = keyOf(after);
        if (known.has(key)) continue;
        known.add(key);
        found.push({ state: after, trail });
      }
    }
    if (visits % progressEvery === 0) onProgress({ visits, open: found.length - visits });
  }
  const sum = (of: (each: Situations) => number): number =>
    voters.situations.reduce((total, each) => total + of(each), 0);
  return {
    visits,
    moves,
    snapshots: sum((each) => each.steps.transitions.size()),
    situations: sum((each) => each.size()),
    violation,
  };
}

/** One character for each situation. */
function keyOf(state: State): string {
  return String.fromCharCode(...state);
}

/** The events of a trail in their order, silent ones too. */
function told(voters: Voters, trail: Trail): string[] {
  const moves: Trail[] = [];
  for (let at: Trail | null = trail; at !== null; at = at.before) moves.unshift(at);
  const lines: string[] = [];
  const snapshots = voters.situations.map(({ steps }) => steps.transitions.initial);
  for (const { state, voter, move } of moves) {
    const situations = voters.situations[voter];
    if (situations === undefined) continue;
    const { steps, silentPath } = situations;
    const path = silentPath(state[voter] ?? 0, snapshots[voter] ?? 0, move.from);
    for (const event of path) lines.push(`${steps.self} ${described(event)}`);
    snapshots[voter] = move.outcome.snapshot;
    const { role, term, votedFor } = steps.transitions.at(move.outcome.snapshot).state;
    const end = move.outcome.crashed ? ", crashes before its write and" : " and";
    lines.push(
      `${steps.self} ${described(move.outcome.event)}${end} is ${role} in term ${term}, vote ${votedFor ?? "free"}`,
    );
  }
  return lines;
}

function described(event: Letter | string): string {
  if (typeof event === "string") return event;
  return `hears ${event.from}${event.bit === 0 ? ", or an invention," : ""} say ${JSON.stringify(event.message)}`;
}
