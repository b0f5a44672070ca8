import type { AgreedCopy } from "@ringrift/protocol";
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
import { createNewcomer, firstTermAt, meet, type Newcomer } from "../core/newcomer.ts";
import { createEffectLine } from "./effect-line.ts";
import type { Fact } from "./invariant.ts";
import type { Packet } from "./packet.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** The world that one voter lives in. */
export interface VoterWorld {
  readonly realNow: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly at: (realAt: number, run: () => void) => void;
  /** How long the next write takes, milliseconds. */
  readonly writeMs: () => number;
  /** How much later than due the voter's next tick comes, milliseconds. */
  readonly tickLateMs: () => number;
  readonly send: (to: string, packet: Packet) => void;
  readonly see: (fact: Fact) => void;
  readonly log: (text: () => string) => void;
}

/** What a crash does to a write that is under way, or to the whole disk; `torn` leaves a file that nobody can read. */
type CrashOutcome = "old" | "new" | "torn" | "wiped";

/** A voter's process with its disk and its clock: it crashes, restarts, freezes and waits for its disk. */
export interface SimulatedVoter {
  readonly id: string;
  /** Whether its process exists, frozen or not. */
  readonly exists: () => boolean;
  readonly running: () => boolean;
  /** Its vote file is unreadable: it must not vote again. */
  readonly broken: () => boolean;
  /** There is no vote on its disk. */
  readonly empty: () => boolean;
  /** Null while it does not exist or has not joined the others yet. */
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

/** What votes, or what first finds out whether it may; `joining` while its first vote is on its way to the disk. */
type Mind =
  | { readonly kind: "voter"; readonly state: ElectionState }
  | { readonly kind: "newcomer"; readonly newcomer: Newcomer; joining: boolean };

export function createSimulatedVoter(
  options: ElectionOptions,
  clock: SimulatedClock,
  world: VoterWorld,
): SimulatedVoter {
  const { self } = options;
  let voteFile: PersistedVote | "torn" | null = null;
  let mind: Mind | null = null;
  let leadsTerm: number | null = null;
  let leadsSince = 0;
  let frozen = false;
  let inbox: (() => void)[] = [];
  let tickAt = Number.POSITIVE_INFINITY;
  const queueName = `the disk queue of ${self}`;

  const election = createEffectLine<ElectionEffect>({
    isWrite: (effect) => effect.type === "persist",
    wait: (done) => world.at(world.realNow() + world.writeMs(), done),
    store: (effect) => {
      if (effect.type === "persist") storeVote(effect);
    },
    act: (effect) => {
      if (effect.type === "send") world.send(effect.to, { kind: "election", message: effect.message });
      if (effect.type === "role") onRole(effect);
      if (effect.type === "agreed") onAgreed(effect.copy);
    },
  });

  const storeVote = ({ term, votedFor, copy }: PersistedVote): void => {
    voteFile = { term, votedFor, copy };
    world.see({ type: "vote_on_disk", voter: self, vote: voteFile });
    if (mind?.kind !== "newcomer") return;
    world.log(() => `${self} joins in term ${term}`);
    mind = { kind: "voter", state: createElection(options, voteFile, mind.newcomer.bornAt) };
    scheduleTick();
  };

  const onRole = ({ role, term, leaderId }: Extract<ElectionEffect, { type: "role" }>): void => {
    world.log(() => `${self} is ${role} in term ${term}, leader ${leaderId ?? "unknown"}`);
    if (role === "leader") world.see({ type: "leads", voter: self, term });
    leadsTerm = role === "leader" ? term : null;
    leadsSince = world.realNow();
  };

  const onAgreed = (copy: AgreedCopy): void => {
    world.log(() => `${self} knows "${copy.value}" of ${copy.term}.${copy.version} as agreed`);
    world.see({ type: "agreed", voter: self, copy });
  };

  const stateNow = (): ElectionState | null => (mind?.kind === "voter" ? mind.state : null);
  const scheduleTick = (): void => {
    if (mind === null || frozen) return;
    const dueAt = mind.kind === "voter" ? nextTickAt(mind.state) : mind.newcomer.askDueAt;
    const due = Math.max(clock.realAt(dueAt), world.realNow()) + world.tickLateMs();
    if (due >= tickAt) return;
    tickAt = due;
    world.at(due, () => {
      if (tickAt !== due) return;
      tickAt = Number.POSITIVE_INFINITY;
      if (!frozen) stepElection({ type: "tick" });
    });
  };
  const stepElection = (input: ElectionInput): void => {
    if (mind === null) return;
    if (mind.kind === "voter") election.push(step(mind.state, input, clock.now()));
    else if (!mind.joining && (input.type === "tick" || input.type === "message")) {
      const effects = meet(mind.newcomer, input, clock.now());
      mind.joining = effects.some((effect) => effect.type === "persist");
      election.push(effects);
    }
    world.see({ type: "queue", name: queueName, length: election.waiting(), limit: maxWaiting });
    scheduleTick();
  };
  const give = (input: ElectionInput): void => {
    if (mind === null) return;
    if (!frozen) stepElection(input);
    else if (inbox.length < maxInbox) inbox.push(() => stepElection(input));
  };

  return {
    id: self,
    exists: () => mind !== null,
    running: () => mind !== null && !frozen,
    broken: () => voteFile === "torn",
    empty: () => voteFile === null,
    state: stateNow,
    leadsSince: () => {
      const state = stateNow();
      return state?.role === "leader" && !frozen && leadsTerm === state.term ? leadsSince : null;
    },
    // Whoever leads must have said so, which waits for its disk.
    holdsLease: () => {
      const state = stateNow();
      return state !== null && leadsTerm === state.term && leaseHeld(state, clock.now());
    },
    give,
    receive: (from, packet) => {
      if (packet.kind === "election") give({ type: "message", from, message: packet.message });
    },
    hearStranger: (from, message) => {
      const state = stateNow();
      if (state === null || frozen) return 0;
      const effects = step(state, { type: "message", from, message }, clock.now());
      election.push(effects);
      return effects.length;
    },
    crash: (outcome) => {
      const vote = election.crash();
      mind = null;
      if (vote?.type === "persist" && outcome === "new") storeVote(vote);
      if (vote?.type === "persist" && outcome === "torn") voteFile = "torn";
      if (outcome === "wiped") {
        voteFile = null;
        world.see({ type: "wiped", voter: self });
      }
      leadsTerm = null;
      frozen = false;
      inbox = [];
      tickAt = Number.POSITIVE_INFINITY;
      clock.wake();
    },
    start: () => {
      if (mind !== null || voteFile === "torn") return;
      if (voteFile !== null) mind = { kind: "voter", state: createElection(options, voteFile, clock.now()) };
      else {
        const firstTerm = firstTermAt(world.wallMs());
        const newcomer = createNewcomer({ ...options, firstTerm }, clock.now());
        mind = { kind: "newcomer", newcomer, joining: false };
      }
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
