import { majority } from "../../core/quorum.ts";
import { createLocalSteps, type LocalSteps } from "./local-steps.ts";
import type { Mail } from "./mail.ts";
import type { Outcome } from "./transitions.ts";

/** A voter makes any number of silent steps and then a loud one. */
export interface Move {
  /** Its snapshot before the loud step. */
  readonly from: number;
  readonly outcome: Outcome;
  /** Its situation afterwards. */
  readonly next: number;
  /** The rule that this breaks, or null. */
  readonly broken: string | null;
}

/** One voter's snapshots together with its mail, by number. Situations in which it has the same future have one number. */
export interface Situations {
  readonly steps: LocalSteps;
  readonly initial: number;
  readonly size: () => number;
  readonly of: (snapshot: number, mail: Mail) => number;
  /** The situation once this came too. */
  readonly receive: (situation: number, bit: Mail) => number;
  readonly moves: (situation: number) => readonly Move[];
  /** The events by which silent steps lead from one snapshot to another with this situation's mail. */
  readonly silentPath: (situation: number, from: number, to: number) => readonly Outcome["event"][];
}

interface Situation {
  readonly snapshot: number;
  readonly mail: Mail;
}

export function createSituations(self: string, voters: readonly string[], maxTerm: number): Situations {
  const steps = createLocalSteps(self, voters, maxTerm);
  const situations: Situation[] = [];
  const moves: (readonly Move[] | undefined)[] = [];
  const numbers = new Map<string, number>();
  /** By snapshot and mail: the first of the snapshots that it can reach, and be reached from, by silent steps. */
  const representatives = new Map<string, number>();

  const at = (index: number): Situation => {
    const situation = situations[index];
    if (situation === undefined) throw new RangeError(`There is no situation ${index}.`);
    return situation;
  };
  const silentlyTo = (from: number, mail: Mail): number[] =>
    steps.silent(from, mail).map((outcome) => outcome.snapshot);
  const representative = (snapshot: number, mail: Mail): number => {
    const known = representatives.get(`${snapshot} ${mail}`);
    if (known !== undefined) return known;
    const before = new Map<number, number[]>();
    reach(snapshot, (from) => {
      const next = silentlyTo(from, mail);
      for (const to of next) before.set(to, [...(before.get(to) ?? []), from]);
      return next;
    });
    const mutual = reach(snapshot, (to) => before.get(to) ?? []);
    const first = Math.min(...mutual);
    for (const each of mutual) representatives.set(`${each} ${mail}`, first);
    return first;
  };
  const of = (snapshot: number, allMail: Mail): number => {
    const mail = allMail & steps.relevant(snapshot);
    const situation = { snapshot: representative(snapshot, mail), mail };
    const key = `${situation.snapshot} ${mail}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    situations.push(situation);
    numbers.set(key, situations.length - 1);
    return situations.length - 1;
  };
  const movesOf = ({ snapshot, mail }: Situation): Move[] => {
    const distinct = new Map<string, Move>();
    for (const from of reach(snapshot, (each) => silentlyTo(each, mail))) {
      for (const outcome of steps.loud(from, mail)) {
        const next = of(outcome.snapshot, mail);
        const broken = outcome.broken ?? falseClaim(steps, outcome, mail, majority(voters.length));
        const key = `${next} ${outcome.sent.map(({ to, bit }) => `${to}:${bit}`)} ${broken}`;
        if (!distinct.has(key)) distinct.set(key, { from, outcome, next, broken });
      }
    }
    return [...distinct.values()];
  };

  return {
    steps,
    initial: of(steps.transitions.initial, 0),
    size: () => situations.length,
    of,
    receive: (situation, bit) => {
      const { snapshot, mail } = at(situation);
      return (mail & bit) === 0 ? of(snapshot, mail | bit) : situation;
    },
    moves: (situation) => {
      const known = moves[situation];
      if (known !== undefined) return known;
      const found = movesOf(at(situation));
      moves[situation] = found;
      return found;
    },
    silentPath: (situation, from, to) => silentPath(steps, at(situation).mail, from, to),
  };
}

/** What is wrong when a voter with this mail says that it leads, or null. */
function falseClaim(
  { self, transitions, letters }: LocalSteps,
  { leads: term, snapshot }: Outcome,
  mail: Mail,
  need: number,
): string | null {
  if (term === null) return null;
  const { told } = transitions.at(snapshot);
  const votes = new Set(told.term === term && told.votedFor === self ? [self] : []);
  for (const { from, message, bit } of letters) {
    if ((mail & bit) === 0 || message.term !== term) continue;
    if (message.type === "lead") return `${from} and ${self} both lead term ${term}`;
    if (message.type === "vote_reply") votes.add(from);
  }
  return votes.size >= need ? null : `${self} leads term ${term} with ${votes.size} of ${need} votes`;
}

/** All that `next` leads to from `start`, itself among them. */
function reach(start: number, next: (from: number) => readonly number[]): number[] {
  const found = new Set([start]);
  // A set hands out what is added to it on the way.
  for (const from of found) for (const to of next(from)) found.add(to);
  return [...found];
}

/** The events of a shortest way of silent steps. */
function silentPath(steps: LocalSteps, mail: Mail, from: number, to: number): Outcome["event"][] {
  const lastStep = new Map<number, { readonly before: number; readonly event: Outcome["event"] }>();
  reach(from, (before) => {
    const outcomes = steps.silent(before, mail);
    for (const { snapshot, event } of outcomes)
      if (!lastStep.has(snapshot)) lastStep.set(snapshot, { before, event });
    return outcomes.map(({ snapshot }) => snapshot);
  });
  const path: Outcome["event"][] = [];
  for (let at = to; at !== from; ) {
    const step = lastStep.get(at);
    if (step === undefined) return path;
    path.unshift(step.event);
    at = step.before;
  }
  return path;
}
