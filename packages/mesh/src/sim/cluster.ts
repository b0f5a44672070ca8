import { defaultElectionTiming } from "../core/election.ts";
import { createEventQueue, type EventQueue } from "./event-queue.ts";
import { createNetwork, type Network } from "./network.ts";
import type { Packet } from "./packet.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { createSimulatedClock } from "./simulated-clock.ts";
import { createSimulatedVoter, type SimulatedVoter } from "./simulated-voter.ts";

/** Voters on a fair network and sound disks, for scenarios that say themselves what goes wrong. */
export interface Cluster {
  readonly queue: EventQueue;
  readonly random: SeededRandom;
  readonly network: Network<Packet>;
  readonly voters: readonly SimulatedVoter[];
  /** Lets virtual milliseconds pass. */
  readonly run: (ms: number) => void;
  /** The voter that may act as leader now. */
  readonly leader: () => SimulatedVoter | undefined;
}

/** How late a tick comes at most: the real shell ticks every 50 ms. */
const tickMs = 50;

export function createCluster(
  seed: number,
  nodes: number,
  log: (text: () => string) => void = () => {},
): Cluster {
  const random = createSeededRandom(seed);
  const queue = createEventQueue();
  const ids = Array.from({ length: nodes }, (_, index) => `v${index + 1}`);
  const network = createNetwork<Packet>(queue, random, (from, to, packet) =>
    voters.find((voter) => voter.id === to)?.receive(from, packet),
  );
  const voters: SimulatedVoter[] = ids.map((self) =>
    createSimulatedVoter(
      { self, voters: ids, timing: defaultElectionTiming, random: random.next },
      createSimulatedClock({ offsetMs: random.between(0, 1e6), rate: 1 }, queue.now),
      {
        realNow: queue.now,
        at: queue.add,
        writeMs: () => random.between(1, 8),
        tickLateMs: () => random.between(0, tickMs),
        send: (to, packet) => network.send(self, to, packet),
        see: () => {},
        log,
      },
    ),
  );
  for (const voter of voters) voter.start();
  return {
    queue,
    random,
    network,
    voters,
    run: (ms) => queue.runUntil(queue.now() + ms, () => true),
    leader: () => voters.find((voter) => voter.holdsLease()),
  };
}
