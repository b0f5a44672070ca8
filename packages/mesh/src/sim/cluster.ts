import { defaultElectionTiming } from "../core/election.ts";
import { createEventQueue, type EventQueue } from "./event-queue.ts";
import { createNetwork, type Network } from "./network.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { createSimulatedVoter, type SimulatedVoter } from "./simulated-voter.ts";

/** Voters on a fair network and sound disks, for scenarios that say themselves what goes wrong. */
export interface Cluster {
  readonly queue: EventQueue;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly voters: readonly SimulatedVoter[];
  /** Lets virtual milliseconds pass. */
  readonly run: (ms: number) => void;
  /** The voter that may act as leader now. */
  readonly leader: () => SimulatedVoter | undefined;
}

const tickMs = 20;

export function createCluster(seed: number, nodes: number): Cluster {
  const random = createSeededRandom(seed);
  const queue = createEventQueue();
  const ids = Array.from({ length: nodes }, (_, index) => `v${index + 1}`);
  const network = createNetwork(queue, random, (from, to, message) =>
    voters.find((voter) => voter.id === to)?.give({ type: "message", from, message }),
  );
  const voters: SimulatedVoter[] = ids.map((self) =>
    createSimulatedVoter(
      { self, voters: ids, timing: defaultElectionTiming, random: random.next },
      { offsetMs: random.between(0, 1e6), rate: 1 },
      {
        now: queue.now,
        later: (delayMs, run) => queue.add(queue.now() + delayMs, run),
        writeMs: () => random.between(1, 8),
        send: ({ to, message }) => network.send(self, to, message),
        persisted: () => {},
        log: () => {},
      },
      {},
    ),
  );
  const tick = (voter: SimulatedVoter): void => {
    voter.give({ type: "tick" });
    queue.add(queue.now() + tickMs, () => tick(voter));
  };
  for (const voter of voters) {
    voter.start();
    queue.add(random.between(0, tickMs), () => tick(voter));
  }
  return {
    queue,
    random,
    network,
    voters,
    run: (ms) => queue.runUntil(queue.now() + ms, () => true),
    leader: () => voters.find((voter) => voter.holdsLease()),
  };
}
