import { defaultElectionTiming } from "../core/election.ts";
import { createEventQueue } from "./event-queue.ts";
import { createNetwork } from "./network.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedVoter, type SimulatedVoter } from "./simulated-voter.ts";

/** How the leader goes. */
export type Departure = "killed" | "frozen" | "asked to stop";

export interface FailoverOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly departure: Departure;
}

const tickMs = 20;
const giveUpMs = 20_000;

/** Virtual milliseconds from the leader's departure until a majority names one new leader; Infinity when that fails. */
export function failoverMs({ seed, nodes, departure }: FailoverOptions): number {
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

  queue.runUntil(10_000 + random.between(0, 1_000), () => true);
  const old = voters.find((voter) => voter.holdsLease());
  if (old === undefined) return Number.POSITIVE_INFINITY;
  const leftAt = queue.now();
  depart(old, departure);
  if (departure === "killed") {
    for (const voter of voters) {
      // The kernel closes the link at once; the redial that is refused comes a little later.
      queue.add(leftAt + random.between(1, 30), () =>
        voter.give({ type: "link", peer: old.id, up: false, refused: true }),
      );
    }
  }
  const others = voters.filter((voter) => voter !== old);
  while (queue.now() < leftAt + giveUpMs) {
    queue.runUntil(queue.now() + 1, () => true);
    const named = others.find((voter) => voter.state()?.role === "leader")?.id;
    const followers = others.filter((voter) => voter.state()?.leaderId === named);
    if (named !== undefined && followers.length * 2 > nodes) return queue.now() - leftAt;
  }
  return Number.POSITIVE_INFINITY;
}

function depart(leader: SimulatedVoter, departure: Departure): void {
  if (departure === "killed") leader.crash(true);
  if (departure === "frozen") leader.pause();
  if (departure === "asked to stop") leader.give({ type: "transfer" });
}
