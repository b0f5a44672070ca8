import {
  type ElectionEffect,
  type ElectionInput,
  type ElectionMessage,
  type ElectionState,
  step,
} from "../../core/election.ts";
import { bitOf, type Letter, type Mail } from "./mail.ts";
import { copyOf, keyOf, quiet, type Snapshot, settle, started } from "./snapshot.ts";
import { contradiction, nothingTold, said, written } from "./told.ts";

/** What may come of one event at one voter. */
export interface Outcome {
  /** What it heard, or what happened to it. */
  readonly event: Letter | string;
  readonly snapshot: number;
  /** The binding messages that left: to the voter of this number, in its mail. */
  readonly sent: readonly { readonly to: number; readonly bit: Mail }[];
  /** The term in which it says that it leads, or null. */
  readonly leads: number | null;
  /** The process crashed in the middle of its effects. */
  readonly crashed: boolean;
  /** What it said against its own word, or null. */
  readonly broken: string | null;
}

/** One voter's snapshots by number, and what it does on each event: worked out by the real core. */
export interface Transitions {
  readonly initial: number;
  readonly size: () => number;
  readonly at: (snapshot: number) => Snapshot;
  readonly hear: (snapshot: number, letter: Letter) => readonly Outcome[];
  /** All that may happen to a voter that hears nothing. */
  readonly alone: (snapshot: number) => readonly Outcome[];
}

export function createTransitions(self: string, voters: readonly string[], maxTerm: number): Transitions {
  const snapshots: Snapshot[] = [];
  const numbers = new Map<string, number>();
  const others = voters.filter((id) => id !== self);
  const othersOf = new Map(voters.map((id) => [id, voters.filter((other) => other !== id)]));

  const number = (snapshot: Snapshot): number => {
    const key = keyOf(snapshot);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    snapshots.push(snapshot);
    numbers.set(key, snapshots.length - 1);
    return snapshots.length - 1;
  };
  const at = (index: number): Snapshot => {
    const snapshot = snapshots[index];
    if (snapshot === undefined) throw new RangeError(`There is no snapshot ${index}.`);
    return snapshot;
  };

  const posted = (to: string, message: ElectionMessage): Outcome["sent"] => {
    const bit = bitOf(self, message, othersOf.get(to) ?? []);
    return bit === 0 ? [] : [{ to: voters.indexOf(to), bit }];
  };

  /** The whole step, and each crash that differs: one before a write that something left ahead of. */
  const outcomesOf = (
    event: Outcome["event"],
    before: Snapshot,
    state: ElectionState,
    effects: readonly ElectionEffect[],
  ): Outcome[] => {
    if (state.term > maxTerm) return [];
    const outcomes: Outcome[] = [];
    const sent: Outcome["sent"][number][] = [];
    let { disk, told } = before;
    let [broken, leads]: [string | null, number | null] = [null, null];
    let ahead = false;
    const end = (crashed: boolean): void => {
      const after = crashed ? started(self, voters, { disk, told }) : { state: settle(state), disk, told };
      outcomes.push({ event, snapshot: number(after), sent: [...sent], leads, crashed, broken });
    };
    for (const effect of effects) {
      if (effect.type === "persist") {
        if (ahead) end(true);
        disk = { term: effect.term, votedFor: effect.votedFor };
        told = written(told, disk);
      }
      if (effect.type !== "send") continue;
      ahead = true;
      const { to, message } = effect;
      broken ??= contradiction(told, self, to, message);
      told = said(told, self, to, message);
      if (message.type === "lead") leads = message.term;
      sent.push(...posted(to, message));
    }
    end(false);
    return outcomes;
  };

  const given = (
    snapshot: number,
    event: Outcome["event"],
    input: ElectionInput,
    change = copyOf,
  ): Outcome[] => {
    const before = at(snapshot);
    const state = change(before.state);
    return outcomesOf(event, before, state, step(state, input, 0));
  };
  const late = (state: ElectionState): ElectionState => quiet(copyOf(state));
  const tick: ElectionInput = { type: "tick" };

  return {
    initial: number(started(self, voters, { disk: { term: 0, votedFor: null }, told: nothingTold })),
    size: () => snapshots.length,
    at,
    hear: (snapshot, letter) =>
      given(snapshot, letter, { type: "message", from: letter.from, message: letter.message }),
    alone: (snapshot) => {
      const before = at(snapshot);
      const quietly = { ...before, state: settle(late(before.state)) };
      return [
        ...outcomesOf("restarts", before, started(self, voters, before).state, []),
        ...outcomesOf("hears nobody for long", before, quietly.state, []),
        ...given(snapshot, "ticks", tick),
        ...given(snapshot, "times out", tick, late),
        ...given(snapshot, "hands over", { type: "transfer" }),
        ...others.flatMap((peer) => [
          ...given(snapshot, `loses ${peer}`, { type: "link", peer, up: false }),
          ...given(snapshot, `finds ${peer} gone`, { type: "link", peer, up: false, refused: true }),
          ...given(snapshot, `finds ${peer}`, { type: "link", peer, up: true }),
        ]),
      ];
    },
  };
}
