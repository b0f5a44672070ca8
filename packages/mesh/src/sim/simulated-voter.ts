import {
  createElection,
  type ElectionEffect,
  type ElectionInput,
  type ElectionMessage,
  type ElectionOptions,
  type ElectionState,
  leaseHeld,
  nextTickAt,
  type PersistedVote,
  step,
} from "../core/election.ts";
import { createEffectLine } from "./effect-line.ts";
import type { Fact } from "./invariant.ts";
import type { Packet } from "./packet.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** The world that one voter lives in. */
export interface VoterWorld {
  readonly realNow: () => number;
  readonly at: (realAt: number, run: () => void) => void;
  /** How long the next write takes, milliseconds. */
  readonly writeMs: () => number;
  /** How much later than due the voter's next tick comes, milliseconds. */
  readonly tickLateMs: () => number;
  readonly send: (to: string, packet: Packet) => void;
  readonly see: (fact: Fact) => void;
  readonly log: (text: () => string) => void;
}

/** What a crash does to a write that is under way; `torn` leaves a file that nobody can read. */
type CrashOutcome = "old" | "new" | "torn";

/** A voter's process with its disk and its clock: it crashes, restarts, freezes and waits for its disk. */
export interface SimulatedVoter {
  readonly id: string;
  readonly running: () => boolean;
  /** Its vote file is unreadable: it must not vote again. */
  readonly broken: () => boolean;
  readonly state: () => ElectionState | null;
  readonly holdsLease: () => boolean;
  /** Since when it has led without a pause, real time; null when it does not lead or does not run. */
  readonly leadsSince: () => number | null;
  readonly give: (input: ElectionInput) => void;
  readonly receive: (from: string, packet: Packet) => void;
  /** Hears somebody who may not speak; the answer is how many effects that had. */
  readonly hearStranger: (from: string, message: ElectionMessage) => number;
  readonly crash: (outcome: CrashOutcome) => void;
  readonly start: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Frozen processes keep at most this many packets, as a socket buffer would. */
const maxInbox = 500;
/** Effects that wait for the disk. */
const maxWaiting = 2_000;

export function createSimulatedVoter(
  options: ElectionOptions,
  clock: SimulatedClock,
  world: VoterWorld,
): SimulatedVoter {
  const { self } = options;
  let voteFile: PersistedVote | null = { term: 0, votedFor: null };
  let state: ElectionState | null = null;
  let leadsTerm: number | null = null;
  let leadsSince = 0;
  let frozen = false;
  let inbox: (() => void)[] = [];
  let tickAt = Number.POSITIVE_INFINITY;
  const queueName = `the disk queue of ${self}`;

  const disk = (done: () => void): void => world.at(world.realNow() + world.writeMs(), done);
  const election = createEffectLine<ElectionEffect>({
    isWrite: (effect) => effect.type === "persist",
    wait: disk,
    store: (effect) => {
      if (effect.type === "persist") storeVote(effect);
    },
    act: (effect) => {
      if (effect.type === "send") world.send(effect.to, { kind: "election", message: effect.message });
      if (effect.type === "role") onRole(effect);
    },
  });

  const storeVote = ({ term, votedFor }: PersistedVote): void => {
    voteFile = { term, votedFor };
    world.see({ type: "vote_on_disk", voter: self, vote: voteFile });
  };

  const onRole = ({ role, term, leaderId }: Extract<ElectionEffect, { type: "role" }>): void => {
    world.log(() => `${self} is ${role} in term ${term}, leader ${leaderId ?? "unknown"}`);
    if (role === "leader") world.see({ type: "leads", voter: self, term });
    leadsTerm = role === "leader" ? term : null;
    leadsSince = world.realNow();
  };

  const scheduleTick = (): void => {
    if (state === null || frozen) return;
    const due = Math.max(clock.realAt(nextTickAt(state)), world.realNow()) + world.tickLateMs();
    if (due >= tickAt) return;
    tickAt = due;
    world.at(due, () => {
      if (tickAt !== due) return;
      tickAt = Number.POSITIVE_INFINITY;
      if (!frozen) stepElection({ type: "tick" });
    });
  };
  const stepElection = (input: ElectionInput): void => {
    if (state === null) return;
    election.push(step(state, input, clock.now()));
    world.see({ type: "queue", name: queueName, length: election.waiting(), limit: maxWaiting });
    scheduleTick();
  };
  const whenAwake = (run: () => void): void => {
    if (state === null) return;
    if (!frozen) run();
    else if (inbox.length < maxInbox) inbox.push(run);
  };
  const give = (input: ElectionInput): void => whenAwake(() => stepElection(input));

  return {
    id: self,
    running: () => state !== null && !frozen,
    broken: () => voteFile === null,
    state: () => state,
    leadsSince: () => (state?.role === "leader" && !frozen && leadsTerm === state.term ? leadsSince : null),
    // Whoever leads must have said so, which waits for its disk.
    holdsLease: () => state !== null && leadsTerm === state.term && leaseHeld(state, clock.now()),
    give,
    receive: (from, packet) => {
      if (packet.kind === "election") give({ type: "message", from, message: packet.message });
    },
    hearStranger: (from, message) => {
      if (state === null || frozen) return 0;
      const effects = step(state, { type: "message", from, message }, clock.now());
      election.push(effects);
      return effects.length;
    },
    crash: (outcome) => {
      const vote = election.crash();
      if (vote?.type === "persist" && outcome === "new") storeVote(vote);
      if (vote?.type === "persist" && outcome === "torn") voteFile = null;
      state = null;
      leadsTerm = null;
      frozen = false;
      inbox = [];
      tickAt = Number.POSITIVE_INFINITY;
      clock.wake();
    },
    start: () => {
      if (state !== null || voteFile === null) return;
      state = createElection(options, voteFile, clock.now());
      scheduleTick();
    },
    pause: () => {
      frozen = true;
    },
    resume: () => {
      if (!frozen) return;
      frozen = false;
      leadsSince = world.realNow();
      const waiting = inbox;
      inbox = [];
      for (const run of waiting) run();
      scheduleTick();
    },
  };
}
