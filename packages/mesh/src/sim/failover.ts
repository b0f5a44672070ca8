import { createCluster } from "./cluster.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

/** How the leader goes. */
export type Departure = "killed" | "frozen" | "asked to stop";

export interface FailoverOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly departure: Departure;
}

const giveUpMs = 20_000;

/** Virtual milliseconds from the leader's departure until a majority names one new leader; Infinity when that fails. */
export function failoverMs({ seed, nodes, departure }: FailoverOptions): number {
  const { queue, random, voters, run, leader } = createCluster(seed, nodes);
  run(10_000 + random.between(0, 1_000));
  const old = leader();
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
    run(1);
    const named = others.find((voter) => voter.state()?.role === "leader")?.id;
    const followers = others.filter((voter) => voter.state()?.leaderId === named);
    if (named !== undefined && followers.length * 2 > nodes) return queue.now() - leftAt;
  }
  return Number.POSITIVE_INFINITY;
}

function depart(leader: SimulatedVoter, departure: Departure): void {
  if (departure === "killed") leader.crash("new");
  if (departure === "frozen") leader.pause();
  if (departure === "asked to stop") leader.give({ type: "transfer" });
}
