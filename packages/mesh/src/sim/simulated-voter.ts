import {
  createElection,
  type ElectionEffect,
  type ElectionInput,
  type ElectionOptions,
  type ElectionState,
  leaseHeld,
  type PersistedVote,
  step,
} from "../core/election.ts";

/** Bugs planted from outside to prove that the invariants would see them; a sound run has none. */
export interface Tamper {
  /** What a write leaves on disk. */
  readonly store?: (vote: PersistedVote, before: PersistedVote) => PersistedVote;
  /** What the voter is told instead. */
  readonly input?: (input: ElectionInput, state: ElectionState, now: number) => ElectionInput;
  readonly beforeStep?: (state: ElectionState, input: ElectionInput, now: number) => void;
  /** In what order effects are carried out. */
  readonly order?: (effects: readonly ElectionEffect[]) => readonly ElectionEffect[];
}

/** The world that one voter lives in. */
export interface VoterWorld {
  readonly now: () => number;
  readonly later: (delayMs: number, run: () => void) => void;
  readonly writeMs: () => number;
  readonly send: (effect: Extract<ElectionEffect, { type: "send" }>) => void;
  readonly persisted: (vote: PersistedVote) => void;
  readonly log: (text: () => string) => void;
}

/** A voter process with its disk and its clock: it crashes, restarts, freezes and waits for its disk. */
export interface SimulatedVoter {
  readonly id: string;
  readonly running: () => boolean;
  readonly state: () => ElectionState | null;
  readonly holdsLease: () => boolean;
  readonly give: (input: ElectionInput) => void;
  readonly crash: (writeSurvives: boolean) => void;
  readonly start: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

export interface Clock {
  readonly offsetMs: number;
  readonly rate: number;
}

/** Frozen processes keep at most this many inputs, as a socket buffer would. */
const maxInbox = 500;

export function createSimulatedVoter(
  options: ElectionOptions,
  clock: Clock,
  world: VoterWorld,
  tamper: Tamper,
): SimulatedVoter {
  let disk: PersistedVote = { term: 0, votedFor: null };
  let state: ElectionState | null = null;
  let pending: ElectionEffect[] = [];
  let writing: PersistedVote | null = null;
  let frozen = false;
  let inbox: ElectionInput[] = [];
  let life = 0;

  const clockNow = (): number => clock.offsetMs + clock.rate * world.now();

  const write = (vote: PersistedVote): void => {
    disk = tamper.store === undefined ? vote : tamper.store(vote, disk);
  };

  // The contract under test: in order, and nothing passes a write that is not finished.
  const carryOut = (): void => {
    while (writing === null) {
      const effect = pending.shift();
      if (effect === undefined) return;
      if (effect.type === "send") world.send(effect);
      if (effect.type === "role") {
        world.log(
          () => `${options.self} is ${effect.role} in term ${effect.term}, leader ${effect.leaderId}`,
        );
      }
      if (effect.type === "persist") startWrite({ term: effect.term, votedFor: effect.votedFor });
    }
  };

  const startWrite = (vote: PersistedVote): void => {
    writing = vote;
    const startedIn = life;
    world.later(world.writeMs(), () => {
      if (life !== startedIn) return;
      write(vote);
      writing = null;
      world.persisted(vote);
      carryOut();
    });
  };

  const give = (input: ElectionInput): void => {
    if (state === null) return;
    if (frozen) {
      if (input.type !== "tick" && inbox.length < maxInbox) inbox.push(input);
      return;
    }
    const now = clockNow();
    tamper.beforeStep?.(state, input, now);
    const given = tamper.input === undefined ? input : tamper.input(input, state, now);
    const effects = step(state, given, now);
    pending.push(...(tamper.order === undefined ? effects : tamper.order(effects)));
    carryOut();
  };

  return {
    id: options.self,
    running: () => state !== null && !frozen,
    state: () => state,
    holdsLease: () => state !== null && leaseHeld(state, clockNow()),
    give,
    crash: (writeSurvives) => {
      if (writing !== null && writeSurvives) write(writing);
      life += 1;
      state = null;
      frozen = false;
      pending = [];
      writing = null;
      inbox = [];
    },
    start: () => {
      if (state === null) state = createElection(options, disk, clockNow());
    },
    pause: () => {
      frozen = true;
    },
    resume: () => {
      if (!frozen) return;
      frozen = false;
      const waiting = inbox;
      inbox = [];
      for (const input of waiting) give(input);
    },
  };
}
