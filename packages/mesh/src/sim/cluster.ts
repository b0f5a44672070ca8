import { defaultElectionTiming } from "../core/election.ts";
import { createEventQueue, type EventQueue } from "./event-queue.ts";
import { createNetwork, type Network } from "./network.ts";
import type { Packet } from "./packet.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { createSimulatedClock, type SimulatedClock } from "./simulated-clock.ts";
import { createSimulatedVoter, type SimulatedVoter } from "./simulated-voter.ts";

/** Voters on a fair network and sound disks, for scenarios that say themselves what goes wrong. */
export interface Cluster {
  readonly queue: EventQueue;
  readonly random: SeededRandom;
  readonly network: Network<Packet>;
  readonly voters: readonly SimulatedVoter[];
  readonly clocks: ReadonlyMap<string, SimulatedClock>;
  /** Milliseconds that a voter's writes take from now on; they take 1 to 8 at first. */
  readonly setWriteMs: (id: string, ms: number) => void;
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
  const clocks = new Map<string, SimulatedClock>();
  const writeMs = new Map<string, number>();
  const voters: SimulatedVoter[] = ids.map((self) => {
    const clock = createSimulatedClock({ offsetMs: random.between(0, 1e6), rate: 1 }, queue.now);
    clocks.set(self, clock);
    return createSimulatedVoter(
      { self, voters: ids, timing: defaultElectionTiming, random: random.next },
      clock,
      {
        realNow: queue.now,
        wallMs: () => 0,
        at: queue.add,
        writeMs: () => writeMs.get(self) ?? random.between(1, 8),
        tickLateMs: () => random.between(0, tickMs),
        send: (to, packet) => network.send(self, to, packet),
        see: () => {},
        log,
      },
    );
  });
  for (const voter of voters) voter.start();
  return {
    queue,
    random,
    network,
    voters,
    clocks,
    setWriteMs: (id, ms) => writeMs.set(id, ms),
    run: (ms) => queue.runUntil(queue.now() + ms, () => true),
    leader: () => voters.find((voter) => voter.holdsLease()),
  };
}
