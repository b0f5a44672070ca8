import { expect, test } from "vitest";
import { createSeededRandom, type SeededRandom } from "../seeded-random.ts";
import { inventions } from "./mail.ts";
import { createVoters, search, type Voters } from "./search.ts";
import type { Situations } from "./situations.ts";
import type { Outcome } from "./transitions.ts";

/** For a machine that does much else. */
const timeout = 60_000;

// Three terms take seconds more, so they are left to `pnpm sim --exhaustive`.
test.each([
  [2, 4],
  [3, 2],
  [4, 1],
])("no order of events among %i voters to term %i breaks a rule of voting", { timeout }, (nodes, maxTerm) => {
  const { violation, visits, moves } = search({ nodes, maxTerm });
  if (violation !== null) expect.fail([violation.rule, ...violation.trace].join("\n"));
  expect(moves).toBeGreaterThan(visits);
});

test("a search too large for its mail is refused", () => {
  expect(() => createVoters({ nodes: 5, maxTerm: 3 })).toThrow(
    "With 5 voters the search ends at term 2, not 3.",
  );
});

// The search leaves out silent steps, dead mail and equal situations; a walk leaves out nothing.
test("wherever real orders of events lead, the search has a move for each loud step", { timeout }, () => {
  const voters = createVoters({ nodes: 3, maxTerm: 3 });
  const ledTerms = new Set<number>();
  let loud = 0;
  for (let seed = 1; seed <= 100; seed += 1) {
    let state = voters.initial;
    for (const { voter, mail, outcome } of walk(voters, createSeededRandom(seed), 400)) {
      const situations = voters.situations[voter];
      const next = situations?.of(outcome.snapshot, mail);
      const move = situations
        ?.moves(state[voter] ?? -1)
        .find((each) => each.next === next && sentText(each.outcome) === sentText(outcome));
      if (move === undefined) expect.fail(`seed ${seed}: the search lacks a step of voter ${voter}`);
      state = voters.after(state, voter, move);
      loud += 1;
      if (outcome.leads !== null) ledTerms.add(outcome.leads);
    }
  }
  expect([...ledTerms].sort()).toEqual([1, 2, 3]);
  expect(loud).toBeGreaterThan(1_000);
});

interface LoudStep {
  readonly voter: number;
  /** All that was ever sent to the voter. */
  readonly mail: number;
  readonly outcome: Outcome;
}

/** The loud steps among so many random ones of the real core, with every message kept. */
function* walk({ situations }: Voters, random: SeededRandom, length: number): Generator<LoudStep> {
  const ids = situations.map(({ steps }) => steps.self);
  const snapshots = situations.map(({ steps }) => steps.transitions.initial);
  const mail = ids.map(() => 0);
  for (let walked = 0; walked < length; walked += 1) {
    const voter = random.pick([...ids.keys()]);
    const before = snapshots[voter] ?? 0;
    const letters = mail[voter] ?? 0;
    const outcomes = possible(situations[voter], ids, before, letters, random);
    if (outcomes.length === 0) continue;
    const outcome = random.pick(outcomes);
    snapshots[voter] = outcome.snapshot;
    if (outcome.sent.length === 0) continue;
    yield { voter, mail: letters, outcome };
    for (const { to, bit } of outcome.sent) mail[to] = (mail[to] ?? 0) | bit;
  }
}

/** What may come of one kind of event, without what changes nothing. */
function possible(
  situations: Situations | undefined,
  ids: readonly string[],
  snapshot: number,
  mail: number,
  random: SeededRandom,
): Outcome[] {
  if (situations === undefined) return [];
  const { self, transitions, letters } = situations.steps;
  const others = ids.filter((id) => id !== self);
  const heard = random.chance(0.5)
    ? letters.filter(({ bit }) => (mail & bit) !== 0)
    : inventions(self, others, random.chance(0.1) ? 3 : 1);
  const outcomes = random.chance(0.6)
    ? heard.flatMap((letter) => transitions.hear(snapshot, letter))
    : transitions.alone(snapshot).filter(({ event }) => event !== "restarts" || random.chance(0.2));
  return outcomes.filter((outcome) => outcome.snapshot !== snapshot || outcome.sent.length > 0);
}

function sentText({ sent }: Outcome): string {
  return sent.map(({ to, bit }) => `${to}:${bit}`).join();
}
