import type { EventQueue } from "./event-queue.ts";
import type { Network } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

/** What faults act upon. */
export interface FaultTargets {
  readonly voters: readonly SimulatedVoter[];
  readonly network: Network;
  readonly queue: EventQueue;
  readonly random: SeededRandom;
  readonly log: (text: () => string) => void;
  readonly setSlowDisks: (slow: boolean) => void;
}

/** One kind of trouble; each call makes one instance of it, drawn from the seed. */
type Fault = (targets: FaultTargets) => void;

const crash: Fault = ({ voters, network, queue, random, log }) => {
  const voter = random.pick(voters);
  if (voter.state() === null) return;
  log(() => `${voter.id} crashes`);
  voter.crash(random.chance(0.5));
  for (const other of voters) {
    queue.add(queue.now() + random.between(1, 60), () => {
      const refused = voter.state() === null && !network.isCut(other.id, voter.id);
      if (other !== voter) other.give({ type: "link", peer: voter.id, up: false, refused });
    });
  }
  queue.add(queue.now() + random.between(20, 4_000), () => start(voter, voters));
};

/** Starts a stopped voter and tells the others that its link is back. */
export function start(voter: SimulatedVoter, voters: readonly SimulatedVoter[]): void {
  if (voter.state() !== null) return;
  voter.start();
  for (const other of voters) other.give({ type: "link", peer: voter.id, up: true });
}

const pause: Fault = ({ voters, queue, random, log }) => {
  const voter = random.pick(voters);
  if (!voter.running()) return;
  log(() => `${voter.id} freezes`);
  voter.pause();
  queue.add(queue.now() + random.between(50, 5_000), () => {
    log(() => `${voter.id} runs again`);
    voter.resume();
  });
};

const partition: Fault = ({ voters, network, random, log }) => {
  const inside = new Set(voters.filter(() => random.chance(0.5)));
  log(() => `partition: ${[...inside].map((voter) => voter.id).join(" ")} | the others`);
  for (const a of voters)
    for (const b of voters) if (inside.has(a) !== inside.has(b)) network.cut(a.id, b.id);
};

const oneWayCut: Fault = ({ voters, network, random, log }) => {
  const [from, to] = [random.pick(voters), random.pick(voters)];
  log(() => `cut: ${from.id} no longer reaches ${to.id}`);
  network.cut(from.id, to.id);
};

const deafLeader: Fault = ({ voters, network, log }) => {
  const leader = voters.find((voter) => voter.state()?.role === "leader");
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
  network.setWeather({
    loss: random.between(0, 0.4),
    duplication: 0.2,
    maxDelayMs: random.between(20, 1_500),
  });
};

const slowDisks: Fault = ({ setSlowDisks, log }) => {
  log(() => "disks are slow");
  setSlowDisks(true);
};

const transfer: Fault = ({ voters, log }) => {
  log(() => "the leader is asked to hand over");
  for (const voter of voters) if (voter.state()?.role === "leader") voter.give({ type: "transfer" });
};

/** A firewall that answers for a healthy host: being wrong about a dead leader must cost no safety. */
const falseRefusal: Fault = ({ voters, log }) => {
  const leader = voters.find((voter) => voter.state()?.role === "leader");
  if (leader === undefined) return;
  log(() => `connections to ${leader.id} are refused though it lives`);
  for (const voter of voters) {
    if (voter !== leader) voter.give({ type: "link", peer: leader.id, up: false, refused: true });
  }
};

const faults: readonly Fault[] = [
  crash,
  crash,
  pause,
  pause,
  partition,
  oneWayCut,
  deafLeader,
  heal,
  heal,
  storm,
  slowDisks,
  transfer,
  falseRefusal,
];

/** Makes one fault after another until `until`, milliseconds of virtual time. */
export function scheduleFaults(targets: FaultTargets, until: number): void {
  const { queue, random } = targets;
  const next = queue.now() + random.between(50, 2_500);
  if (next >= until) return;
  queue.add(next, () => {
    random.pick(faults)(targets);
    scheduleFaults(targets, until);
  });
}
