import { defaultElectionTiming, type ElectionMessage } from "../core/election.ts";
import { createEventQueue } from "./event-queue.ts";
import { type FaultTargets, scheduleFaults, start } from "./faults.ts";
import { createJudge, type Fact, type Invariant } from "./invariant.ts";
import { agreedValueIsNeverLost } from "./invariants/agreed-value-is-never-lost.ts";
import { commandsAreFenced } from "./invariants/commands-are-fenced.ts";
import { everythingIsBounded } from "./invariants/everything-is-bounded.ts";
import { leaderHasAMajority } from "./invariants/leader-has-a-majority.ts";
import { leaderWithoutQuorumStepsDown } from "./invariants/leader-without-quorum-steps-down.ts";
import { majorityKeepsItsLeader } from "./invariants/majority-keeps-its-leader.ts";
import { noLeaseWithoutQuorum } from "./invariants/no-lease-without-quorum.ts";
import {
  followedWithinMs,
  leaderWithinMs,
  oneLeaderAfterHealing,
} from "./invariants/one-leader-after-healing.ts";
import { oneLeaderPerTerm } from "./invariants/one-leader-per-term.ts";
import { oneLeaseHolder } from "./invariants/one-lease-holder.ts";
import { oneVotePerTerm } from "./invariants/one-vote-per-term.ts";
import { statusRaisesNoTerm } from "./invariants/status-raises-no-term.ts";
import { strangersChangeNothing } from "./invariants/strangers-change-nothing.ts";
import { termNeverFalls } from "./invariants/term-never-falls.ts";
import { createNetwork } from "./network.ts";
import type { Packet } from "./packet.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedClock, type SimulatedClock, uptimeStepMs } from "./simulated-clock.ts";
import { createSimulatedReceiver } from "./simulated-receiver.ts";
import { createSimulatedVoter, type SimulatedVoter } from "./simulated-voter.ts";
import { type Reading, readNewer, readUnknownKind } from "./version-skew.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Voters, 1 to 7. */
  readonly nodes: number;
  /** Virtual milliseconds with faults; 20,000 when unset. */
  readonly faultyMs?: number;
  /** Faults touch only a minority that does not lead, once a leader is settled; unset, in every fifth seed. */
  readonly minorityOnly?: boolean;
}

interface Failure {
  readonly invariant: string;
  readonly detail: string;
  /** Virtual milliseconds. */
  readonly at: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly failure: Failure | null;
  /** Packets that voters were given. */
  readonly steps: number;
  readonly elections: number;
  /** Commands that receivers carried out. */
  readonly commands: number;
  /** How often a voter heard that a majority holds its copy of the agreed value. */
  readonly agreed: number;
  /** From the end of all faults to one leader that every voter follows; null when that was not reached. */
  readonly healedMs: number | null;
}

/** Fastest by slowest is less than the ratio of 1.25 that the lease allows for, by what the uptime is rounded. */
const [slowestRate, fastestRate] = [0.91, 1.12];
/** From the last round that a majority answered to the end of the leadership, by the slowest clock and the latest ticks. */
const longestSilentLeadMs =
  (defaultElectionTiming.electionTimeoutMinMs + 3 * (defaultElectionTiming.heartbeatMs + 50)) / slowestRate;
const actMs = 120;
/** By then an undisturbed cluster has a leader with a lease. */
const settleMs = 6_000;
const newYear2026 = Date.UTC(2026, 0, 1);
const versionSkewEvery = 21;
const minorityEvery = 5;

function invariantsFor(voters: readonly string[]): readonly Invariant[] {
  return [
    oneLeaderPerTerm,
    leaderHasAMajority(voters),
    termNeverFalls,
    oneVotePerTerm,
    agreedValueIsNeverLost(voters),
    commandsAreFenced,
    oneLeaseHolder,
    leaderWithoutQuorumStepsDown(voters, longestSilentLeadMs),
    majorityKeepsItsLeader,
    noLeaseWithoutQuorum(voters, (defaultElectionTiming.leaseMs + uptimeStepMs) / slowestRate),
    oneLeaderAfterHealing,
    everythingIsBounded,
    statusRaisesNoTerm,
    strangersChangeNothing,
  ];
}

/** Runs one schedule, the same for the same options; `log` gets one line per notable event. */
export function simulate(
  options: SimulationOptions,
  log: (line: string) => void = () => {},
): SimulationResult {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue();
  const ids = Array.from({ length: options.nodes }, (_, index) => `v${index + 1}`);
  const judge = createJudge(invariantsFor(ids));
  const faultyMs = options.faultyMs ?? 20_000;
  const mixedVersions = options.seed % versionSkewEvery === 0;
  const count = { steps: 0, elections: 0, commands: 0, agreed: 0 };
  let failure: Failure | null = null;
  let slow = false;

  const note = (text: () => string): void => log(`${queue.now().toFixed(1).padStart(9)} ms  ${text()}`);
  const see = (fact: Fact): void => {
    if (fact.type === "leads") count.elections += 1;
    if (fact.type === "command_accepted") count.commands += 1;
    if (fact.type === "agreed") count.agreed += 1;
    judge.see(fact);
    const violation = judge.violation();
    if (violation !== null && failure === null) failure = { ...violation, at: queue.now() };
  };
  const seeInstant = (): void => {
    const leaseHolders: string[] = [];
    const leaders: { id: string; since: number }[] = [];
    for (const voter of voters) {
      if (voter.holdsLease()) leaseHolders.push(voter.id);
      const since = voter.leadsSince();
      if (since !== null) leaders.push({ id: voter.id, since });
    }
    see({ type: "instant", at: queue.now(), leaseHolders, leaders });
  };

  const deliver = (from: string, to: string, packet: Packet): void => {
    count.steps += 1;
    see({ type: "delivered", from, to, packet });
    const voter = byId.get(to);
    if (voter === undefined) {
      if (packet.kind === "command") receivers.find((receiver) => receiver.id === to)?.command(packet.epoch);
      return;
    }
    if (packet.kind === "status") {
      const before = voter.state()?.term ?? 0;
      voter.receive(from, packet);
      see({ type: "status_heard", voter: to, before, after: voter.state()?.term ?? 0 });
    } else if (packet.kind === "election" && mixedVersions && isNewer(from) && !isNewer(to)) {
      if (random.chance(0.1)) take(from, voter, readUnknownKind());
      take(from, voter, readNewer(packet.message));
    } else voter.receive(from, packet);
    seeInstant();
  };
  const network = createNetwork<Packet>(queue, random, deliver);
  /** In schedules of mixed versions every other voter is of the next one. */
  const isNewer = (id: string): boolean => ids.indexOf(id) % 2 === 0;
  const take = (from: string, voter: SimulatedVoter, reading: Reading): void => {
    if (reading === "dropped") return;
    if (reading !== "link ends") {
      voter.receive(from, { kind: "election", message: reading.message });
      return;
    }
    // A voter that ends a link over what it reads ends each new one over the next.
    network.cut(from, voter.id);
    network.cut(voter.id, from);
  };

  const clocks = new Map<string, SimulatedClock>();
  const voters: SimulatedVoter[] = ids.map((self) => {
    const clock = createSimulatedClock(
      { offsetMs: random.between(0, 1e6), rate: random.between(slowestRate, fastestRate) },
      queue.now,
    );
    clocks.set(self, clock);
    return createSimulatedVoter(
      { self, voters: ids, timing: defaultElectionTiming, random: random.next },
      clock,
      {
        realNow: queue.now,
        // A minute a second, as if the schedule took half an hour: elections do not outrun the clock.
        wallMs: () => newYear2026 + queue.now() * 60,
        at: (at, run) =>
          queue.add(at, () => {
            run();
            seeInstant();
          }),
        writeMs: () => random.between(0.1, slow ? 1_500 : 8),
        tickLateMs: () => random.between(0, 50),
        send: (to, packet) => {
          if (
            packet.kind === "election" &&
            packet.message.type !== "lead" &&
            packet.message.type !== "lead_reply"
          )
            note(() => `${self} -> ${to} ${JSON.stringify(packet.message)}`);
          see({ type: "sent", at: queue.now(), from: self, to, packet });
          network.send(self, to, packet);
        },
        see,
        log: note,
      },
    );
  });
  const byId = new Map(voters.map((voter) => [voter.id, voter]));
  const receivers = ["agent-1", "agent-2"].map((id) => createSimulatedReceiver(id, see));

  // Leaders act: they write, command a receiver and tell the others of themselves.
  const act = (voter: SimulatedVoter, turn: number): void => {
    queue.add(queue.now() + actMs, () => act(voter, turn + 1));
    const term = voter.state()?.term ?? 0;
    if (!voter.running() || !voter.holdsLease()) return;
    if (random.chance(0.3)) voter.give({ type: "write", value: `${voter.id} at ${queue.now().toFixed(0)}` });
    const epoch = { generation: 0, term };
    const receiver = random.pick(receivers);
    network.send(voter.id, receiver.id, { kind: "command", epoch });
    if (turn % 8 === 0)
      for (const other of ids) network.send(voter.id, other, { kind: "status", epoch, leaderId: voter.id });
  };
  for (const voter of voters) {
    queue.add(random.between(0, 500), () => voter.start());
    queue.add(random.between(0, actMs), () => act(voter, 0));
  }
  const intrude = (from: string, voter: SimulatedVoter, message: ElectionMessage): void => {
    const before = JSON.stringify(voter.state(), mapsToo);
    const effects = voter.hearStranger(from, message);
    see({
      type: "stranger_heard",
      voter: voter.id,
      before,
      after: JSON.stringify(voter.state(), mapsToo),
      effects,
    });
  };
  const setSlowDisks = (value: boolean): void => {
    slow = value;
  };
  const targets: FaultTargets = {
    voters,
    exposed: voters,
    clocks,
    receivers,
    network,
    queue,
    random,
    log: note,
    setSlowDisks,
    intrude,
  };
  const sound = (): boolean => failure === null;
  if (options.minorityOnly ?? options.seed % minorityEvery === 0) scheduleMinorityFaults();
  else scheduleFaults(targets, faultyMs);
  queue.runUntil(faultyMs, sound);
  const healedMs = sound() ? heal() : null;
  return { seed: options.seed, failure, ...count, healedMs };

  function scheduleMinorityFaults(): void {
    queue.runUntil(settleMs, sound);
    const leader = voters.find((voter) => voter.holdsLease());
    if (leader === undefined) return;
    see({ type: "settled", leader: leader.id });
    const others = voters.filter((voter) => voter !== leader);
    const exposed = others.slice(0, Math.floor((voters.length - 1) / 2));
    if (exposed.length > 0) scheduleFaults({ ...targets, exposed }, faultyMs);
  }

  function heal(): number | null {
    note(() => "all faults end");
    network.heal();
    slow = false;
    for (const voter of voters) {
      clocks.get(voter.id)?.wake();
      voter.resume();
      start(voter, voters);
    }
    const live = voters.filter((voter) => !voter.broken());
    let leaderAfterMs: number | null = null;
    let agreedAfterMs: number | null = null;
    const limit = faultyMs + leaderWithinMs + followedWithinMs + 50;
    while (sound() && agreedAfterMs === null && queue.now() < limit) {
      queue.runUntil(queue.now() + 40, sound);
      const leader = live.find((voter) => voter.holdsLease());
      if (leader === undefined) continue;
      leaderAfterMs ??= queue.now() - faultyMs;
      if (live.every((voter) => voter.state()?.leaderId === leader.id))
        agreedAfterMs = queue.now() - faultyMs;
    }
    if (sound()) see({ type: "healed", leaderAfterMs, agreedAfterMs });
    return agreedAfterMs;
  }
}

function mapsToo(_key: string, value: unknown): unknown {
  return value instanceof Map || value instanceof Set ? [...value] : value;
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
