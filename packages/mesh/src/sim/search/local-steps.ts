import { bindingLetters, inventions, type Letter, type Mail } from "./mail.ts";
import { createTransitions, type Outcome, type Transitions } from "./transitions.ts";

/**
 * The steps of one voter. A silent step sends nothing that binds: the others can't tell when it is made, and what it needs is
 * there later too. Loud steps are the rest, and those that break a rule.
 */
export interface LocalSteps {
  readonly self: string;
  readonly transitions: Transitions;
  readonly letters: readonly Letter[];
  /** To other snapshots than this one, perhaps repeated. */
  readonly silent: (snapshot: number, mail: Mail) => readonly Outcome[];
  readonly loud: (snapshot: number, mail: Mail) => readonly Outcome[];
  /** What of its mail can still change something: at the voter, or in the judgement of its claim to lead. */
  readonly relevant: (snapshot: number) => Mail;
}

interface Row {
  readonly silent: readonly Outcome[];
  readonly loud: readonly Outcome[];
}

export function createLocalSteps(self: string, voters: readonly string[], maxTerm: number): LocalSteps {
  const others = voters.filter((id) => id !== self);
  const transitions = createTransitions(self, voters, maxTerm);
  const letters = bindingLetters(others, maxTerm);
  const invented = inventions(self, others, maxTerm);
  /** By snapshot: what happens without mail, and on each letter. */
  const withoutMail: Row[] = [];
  const onLetter: Row[][] = [];
  // Snapshots get their numbers as steps lead to them, so this goes on until all are known.
  for (let snapshot = 0; snapshot < transitions.size(); snapshot += 1) {
    const free = invented.flatMap((letter) => transitions.hear(snapshot, letter));
    withoutMail.push(sorted(snapshot, [...transitions.alone(snapshot), ...free]));
    onLetter.push(letters.map((letter) => sorted(snapshot, transitions.hear(snapshot, letter))));
  }
  const relevant = relevance(letters, withoutMail, onLetter);
  for (const [snapshot, mail] of relevant.entries()) {
    const { told } = transitions.at(snapshot);
    // Who has not told a later term may still claim this one.
    const claimable = letters.filter(({ message }) => message.term >= told.term && message.type !== "vote");
    relevant[snapshot] = claimable.reduce((sum, { bit }) => sum | bit, mail);
  }
  const rows = (snapshot: number, mail: Mail): Row[] => {
    const heard = onLetter[snapshot]?.filter((_, index) => (mail & (letters[index]?.bit ?? 0)) !== 0) ?? [];
    const free = withoutMail[snapshot];
    return free === undefined ? heard : [free, ...heard];
  };
  return {
    self,
    transitions,
    letters,
    silent: (snapshot, mail) => rows(snapshot, mail).flatMap((row) => row.silent),
    loud: (snapshot, mail) => rows(snapshot, mail).flatMap((row) => row.loud),
    relevant: (snapshot) => relevant[snapshot] ?? 0,
  };
}

function sorted(snapshot: number, outcomes: readonly Outcome[]): Row {
  const isLoud = ({ sent, broken }: Outcome): boolean => sent.length > 0 || broken !== null;
  const silent = new Map<number, Outcome>();
  for (const outcome of outcomes) {
    if (outcome.snapshot !== snapshot && !isLoud(outcome)) silent.set(outcome.snapshot, outcome);
  }
  return { silent: [...silent.values()], loud: outcomes.filter(isLoud) };
}

/** By snapshot: the letters that do something there or wherever else its steps may lead, whatever it hears. */
function relevance(
  letters: readonly Letter[],
  withoutMail: readonly Row[],
  onLetter: readonly (readonly Row[])[],
): Mail[] {
  const next = withoutMail.map((free, snapshot) => {
    const rows = [free, ...(onLetter[snapshot] ?? [])];
    return [
      ...new Set(rows.flatMap(({ silent, loud }) => [...silent, ...loud].map((each) => each.snapshot))),
    ];
  });
  const relevant = onLetter.map((rows) =>
    letters.reduce((sum, { bit }, index) => {
      const row = rows[index];
      return row !== undefined && row.silent.length + row.loud.length > 0 ? sum | bit : sum;
    }, 0),
  );
  for (let more = true; more; ) {
    more = false;
    for (let snapshot = next.length - 1; snapshot >= 0; snapshot -= 1) {
      const before = relevant[snapshot] ?? 0;
      const after = next[snapshot]?.reduce((sum, each) => sum | (relevant[each] ?? 0), before) ?? before;
      relevant[snapshot] = after;
      more ||= after !== before;
    }
  }
  return relevant;
}
