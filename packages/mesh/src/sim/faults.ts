import type { ElectionMessage } from "../core/election.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Network } from "./network.ts";
import type { Packet } from "./packet.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { SimulatedReceiver } from "./simulated-receiver.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

/** What faults act upon. */
export interface FaultTargets {
  readonly voters: readonly SimulatedVoter[];
  /** Whom faults may touch; all voters, or a minority that does not lead. */
  readonly exposed: readonly SimulatedVoter[];
  readonly clocks: ReadonlyMap<string, SimulatedClock>;
  readonly receivers: readonly SimulatedReceiver[];
  readonly network: Network<Packet>;
  readonly queue: EventQueue;
  readonly random: SeededRandom;
  readonly log: (text: () => string) => void;
  readonly setSlowDisks: (slow: boolean) => void;
  /** Somebody who is no voter of the configuration speaks to a voter. */
  readonly intrude: (from: string, voter: SimulatedVoter, message: ElectionMessage) => void;
}

/** One kind of trouble; each call makes one instance of it, drawn from the seed. */
type Fault = (targets: FaultTargets) => void;

const crash: Fault = (targets) => {
  const { voters, exposed, random, log } = targets;
  const voter = random.pick(exposed);
  if (!voter.exists()) return;
  // A majority must stay able to run, and newcomers to hear whom they wait for, or the end of the run proves nothing.
  const broken = voters.filter((other) => other.broken()).length;
  const mayTear = broken + 1 <= (voters.length - 1) / 2 && !voters.some((other) => other.empty());
  const outcome = mayTear && random.chance(0.1) ? "torn" : random.chance(0.5) ? "new" : "old";
  voter.crash(outcome);
  log(() => `${voter.id} crashes${voter.broken() ? " and its vote file is torn: it votes no more" : ""}`);
  goesDown(targets, voter);
};

/** A data directory is lost. */
const wipe: Fault = (targets) => {
  const { voters, exposed, random } = targets;
  if (voters.some((voter) => voter.broken())) return;
  loseDisk(targets, random.pick(exposed));
};

/** Every server is set up anew at once, or all but one. */
const wipeMost: Fault = (targets) => {
  const { voters, random } = targets;
  if (voters.some((voter) => voter.broken())) return;
  const spared = random.chance(0.5) ? random.pick(voters) : null;
  for (const voter of voters) if (voter !== spared) loseDisk(targets, voter);
};

function loseDisk(targets: FaultTargets, voter: SimulatedVoter): void {
  const existed = voter.exists();
  voter.crash("wiped");
  targets.network.forget(voter.id);
  targets.log(() => `${voter.id} loses its disk`);
  if (existed) goesDown(targets, voter);
}

/** The others find out, and later it is started again. */
function goesDown({ voters, network, queue, random }: FaultTargets, voter: SimulatedVoter): void {
  for (const other of voters) {
    queue.add(queue.now() + random.between(1, 60), () => {
      const refused = !voter.exists() && !network.isCut(other.id, voter.id);
      if (other !== voter) other.give({ type: "link", peer: voter.id, up: false, refused });
    });
  }
  queue.add(queue.now() + random.between(20, 4_000), () => start(voter, voters));
}

/** Starts a stopped voter and tells the others that its link is back. */
export function start(voter: SimulatedVoter, voters: readonly SimulatedVoter[]): void {
  if (voter.exists()) return;
  voter.start();
  if (!voter.exists()) return;
  for (const other of voters) if (other !== voter) other.give({ type: "link", peer: voter.id, up: true });
}

const pause: Fault = ({ exposed, clocks, queue, random, log }) => {
  const voter = random.pick(exposed);
  if (!voter.running()) return;
  const asleep = random.chance(0.4);
  log(() => `${voter.id} ${asleep ? "sleeps with its machine and its clock" : "freezes"}`);
  voter.pause();
  if (asleep) clocks.get(voter.id)?.sleep();
  queue.add(queue.now() + random.between(50, 5_000), () => {
    log(() => `${voter.id} runs again`);
    clocks.get(voter.id)?.wake();
    voter.resume();
  });
};

const partition: Fault = ({ voters, exposed, network, random, log }) => {
  const inside = new Set(exposed.filter(() => random.chance(0.5)));
  log(() => `partition: ${[...inside].map((voter) => voter.id).join(" ")} | the others`);
  for (const a of voters)
    for (const b of voters) if (inside.has(a) !== inside.has(b)) network.cut(a.id, b.id);
};

const oneWayCut: Fault = ({ voters, exposed, network, random, log }) => {
  const ends = [random.pick(exposed), random.pick(voters)];
  const [from, to] = random.chance(0.5) ? ends : ends.reverse();
  if (from === undefined || to === undefined) return;
  log(() => `cut: ${from.id} no longer reaches ${to.id}`);
  network.cut(from.id, to.id);
};

const deafLeader: Fault = ({ voters, network, log }) => {
  const leader = leaderOf(voters);
  if (leader === undefined) return;
  log(() => `cut: nobody reaches ${leader.id} any more`);
  for (const voter of voters) network.cut(voter.id, leader.id);
};

const heal: Fault = ({ network, setSlowDisks, log }) => {
  log(() => "network and disks heal");
  network.heal();
  setSlowDisks(false);
};

const storm: Fault = ({ network, random, log }) => {
  log(() => "loss, duplication and delay rise");
  const maxDelayMs = random.between(20, 1_500);
  network.setWeather({ loss: random.between(0, 0.4), duplication: 0.2, maxDelayMs });
};

const clog: Fault = ({ voters, exposed, receivers, network, random, log }) => {
  const [from, to] = [random.pick(exposed), random.pick([...voters, ...receivers])];
  const maxDelayMs = random.between(1_000, 6_000);
  log(() => `clog: from ${from.id} to ${to.id} it takes up to ${maxDelayMs.toFixed(0)} ms`);
  network.clog(from.id, to.id, maxDelayMs);
};

const slowDisks: Fault = ({ setSlowDisks, log }) => {
  log(() => "disks stall");
  setSlowDisks(true);
};

const transfer: Fault = ({ voters, log }) => {
  log(() => "the leader is asked to hand over");
  leaderOf(voters)?.give({ type: "transfer" });
};

/** A firewall that answers for a healthy host: being wrong about a dead leader must cost no safety. */
const falseRefusal: Fault = ({ voters, log }) => {
  const leader = leaderOf(voters);
  if (leader === undefined) return;
  log(() => `connections to ${leader.id} are refused though it lives`);
  for (const voter of voters)
    if (voter !== leader) voter.give({ type: "link", peer: leader.id, up: false, refused: true });
};

const receiverCrash: Fault = ({ receivers, random }) => random.pick(receivers).crash();

/** A removed voter, an agent, or an echo of the voter itself says what only voters may say. */
const intruder: Fault = ({ voters, random, intrude, log }) => {
  const voter = random.pick(voters);
  const from = random.pick(["stranger", "agent-1", voter.id]);
  const term = Math.floor(random.between(0, 1e6));
  const message = random.pick<ElectionMessage>([
    { type: "pre_vote_reply", term, granted: false, voterTerm: term },
    { type: "vote", term, transfer: true },
    { type: "vote_reply", term, granted: true, quietMs: 0 },
    { type: "lead", term, sentAt: 0 },
    { type: "lead_reply", term, sentAt: 0 },
    { type: "timeout_now", term },
  ]);
  log(() => `${from} says ${JSON.stringify(message)} to ${voter.id}`);
  intrude(from, voter, message);
};

const rumour: Fault = ({ voters, network, random, log }) => {
  log(() => "someone tells of a leader in a far higher epoch");
  const epoch = { generation: 0, term: Math.floor(random.between(1e3, 1e6)) };
  for (const voter of voters)
    network.send("agent-1", voter.id, { kind: "status", epoch, leaderId: "agent-1" });
};

function leaderOf(voters: readonly SimulatedVoter[]): SimulatedVoter | undefined {
  return voters.find((voter) => voter.state()?.role === "leader");
}

/** Faults that keep to the exposed voters. */
const confined: readonly Fault[] = [
  crash,
  crash,
  pause,
  pause,
  partition,
  oneWayCut,
  clog,
  heal,
  heal,
  wipe,
  receiverCrash,
  intruder,
  rumour,
];
const faults: readonly Fault[] = [
  ...confined,
  clog,
  clog,
  deafLeader,
  storm,
  slowDisks,
  transfer,
  falseRefusal,
  wipeMost,
];

/** Makes one fault after another until `until`, milliseconds of virtual time. */
export function scheduleFaults(targets: FaultTargets, until: number): void {
  const { queue, random } = targets;
  const next = queue.now() + random.between(30, 1_600);
  if (next >= until) return;
  queue.add(next, () => {
    random.pick(targets.exposed.length < targets.voters.length ? confined : faults)(targets);
    scheduleFaults(targets, until);
  });
}
