import { defaultElectionTiming, type ElectionMessage } from "../core/election.ts";
import { createEventQueue } from "./event-queue.ts";
import { type FaultTargets, scheduleFaults, start } from "./faults.ts";
import type { Invariant, Watch } from "./invariant.ts";
import { oneLeaderPerTerm } from "./invariants/one-leader-per-term.ts";
import { oneLeaseHolder } from "./invariants/one-lease-holder.ts";
import { oneVotePerTerm } from "./invariants/one-vote-per-term.ts";
import { termNeverFalls } from "./invariants/term-never-falls.ts";
import { createNetwork } from "./network.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedVoter, type SimulatedVoter, type Tamper } from "./simulated-voter.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Voters, 1 to 7. */
  readonly nodes: number;
  /** Virtual milliseconds with faults; 30,000 when unset. */
  readonly faultyMs?: number;
  readonly tamper?: Tamper;
}

export interface Failure {
  readonly invariant: string;
  readonly detail: string;
  /** Virtual milliseconds. */
  readonly at: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly failure: Failure | null;
  /** Inputs that voters were given. */
  readonly steps: number;
  readonly elections: number;
  /** From the end of all faults to one leader with a lease that every voter follows; null when that was not reached. */
  readonly healedMs: number | null;
}

const invariants: readonly Invariant[] = [oneLeaderPerTerm, oneLeaseHolder, oneVotePerTerm, termNeverFalls];

const tickMs = 40;
/** After the last fault a leader must be followed by all within this time. */
const livenessMs = 10_000;

/** Runs one schedule, the same for the same options; `log` gets one line per notable event. */
export function simulate(
  options: SimulationOptions,
  log: (line: string) => void = () => {},
): SimulationResult {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue();
  const watches = invariants.map(({ name, watch }): [string, Watch] => [name, watch()]);
  const leadersSeen = new Set<number>();
  const faultyMs = options.faultyMs ?? 30_000;
  let failure: Failure | null = null;
  let steps = 0;
  let slow = false;

  const note = (text: () => string): void => log(`${queue.now().toFixed(1).padStart(9)} ms  ${text()}`);
  const check = (ask: (watch: Watch) => string | null | undefined): void => {
    for (const [invariant, watch] of watches) {
      const detail = ask(watch);
      if (detail && failure === null) failure = { invariant, detail, at: queue.now() };
    }
  };
  const checkInstant = (): void => {
    const holders = voters.filter((voter) => voter.holdsLease()).map((voter) => voter.id);
    check((watch) => watch.onInstant?.(holders));
  };
  const deliver = (from: string, to: string, message: ElectionMessage): void => {
    steps += 1;
    voters.find((voter) => voter.id === to)?.give({ type: "message", from, message });
    checkInstant();
  };
  const network = createNetwork(queue, random, deliver);

  const ids = Array.from({ length: options.nodes }, (_, index) => `v${index + 1}`);
  const voters: SimulatedVoter[] = ids.map((self) =>
    createSimulatedVoter(
      { self, voters: ids, timing: defaultElectionTiming, random: random.next },
      { offsetMs: random.between(0, 1e6), rate: random.between(0.93, 1.07) },
      {
        now: queue.now,
        later: (delayMs, run) => queue.add(queue.now() + delayMs, run),
        writeMs: () => random.between(0.1, slow ? 1_500 : 8),
        send: ({ to, message }) => {
          if (message.type === "lead") leadersSeen.add(message.term);
          if (message.type !== "lead" && message.type !== "lead_reply") {
            note(() => `${self} -> ${to} ${JSON.stringify(message)}`);
          }
          check((watch) => watch.onSend?.(self, to, message));
          network.send(self, to, message);
        },
        persisted: (vote) => check((watch) => watch.onPersist?.(self, vote)),
        log: note,
      },
      options.tamper ?? {},
    ),
  );

  const tick = (voter: SimulatedVoter): void => {
    steps += 1;
    voter.give({ type: "tick" });
    checkInstant();
    queue.add(queue.now() + tickMs * random.between(0.8, 1.2), () => tick(voter));
  };
  for (const voter of voters) {
    queue.add(random.between(0, 500), () => voter.start());
    queue.add(random.between(0, tickMs), () => tick(voter));
  }
  const targets: FaultTargets = {
    voters,
    network,
    queue,
    random,
    log: note,
    setSlowDisks: (value) => {
      slow = value;
    },
  };
  scheduleFaults(targets, faultyMs);

  const sound = (): boolean => failure === null;
  queue.runUntil(faultyMs, sound);
  let healedMs: number | null = null;
  if (sound()) {
    note(() => "all faults end");
    network.heal();
    slow = false;
    for (const voter of voters) {
      voter.resume();
      start(voter, voters);
    }
    while (sound() && healedMs === null && queue.now() < faultyMs + livenessMs) {
      queue.runUntil(queue.now() + tickMs, sound);
      if (agreed(voters)) healedMs = queue.now() - faultyMs;
    }
    if (sound() && healedMs === null) {
      const detail = `no leader that all follow ${livenessMs} ms after the last fault`;
      failure = { invariant: "a leader after healing", detail, at: queue.now() };
    }
  }
  return { seed: options.seed, failure, steps, elections: leadersSeen.size, healedMs };
}

function agreed(voters: readonly SimulatedVoter[]): boolean {
  const leader = voters.find((voter) => voter.holdsLease());
  return leader !== undefined && voters.every((voter) => voter.state()?.leaderId === leader.id);
}

/** The last lines of a failing run, with its seed and how to repeat it. */
export function explainFailure(options: SimulationOptions, lines = 60): string {
  const trace: string[] = [];
  const { failure } = simulate(options, (line) => {
    trace.push(line);
    if (trace.length > lines) trace.shift();
  });
  if (failure === null) return `Seed ${options.seed} with ${options.nodes} voters holds every invariant.`;
  const head = `Seed ${options.seed} with ${options.nodes} voters breaks "${failure.invariant}" at ${failure.at.toFixed(1)} ms: ${failure.detail}`;
  const repeat = `Repeat: pnpm sim --from ${options.seed} --seeds 1 --nodes ${options.nodes}`;
  return [head, ...trace, repeat].join("\n");
}
