import { expect, test } from "vitest";
import {
  createElection,
  defaultElectionTiming,
  type ElectionMessage,
  type ElectionState,
  step,
} from "../core/election.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

// Rules of a safe election that take more than one voter, or more than one input, to show.

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
/** The longest that a connected majority may be without a leader. */
const electionMs = 6_000;

function led(cluster: Cluster): { readonly leader: SimulatedVoter; readonly others: SimulatedVoter[] } {
  cluster.run(8_000);
  const leader = cluster.leader();
  if (leader === undefined) throw new Error("no leader after 8 s");
  return { leader, others: cluster.voters.filter((voter) => voter !== leader) };
}

test.each(seeds)(
  "after a leader lost its lead, two of three find one again through the poll (seed %i)",
  (seed) => {
    const cluster = createCluster(seed, 3);
    const { leader, others } = led(cluster);
    others[0]?.crash("old");
    const rest = others[1]?.id ?? "";
    cluster.network.cut(leader.id, rest);
    cluster.network.cut(rest, leader.id);
    cluster.run(5_000);
    expect(leader.state()?.role).not.toBe("leader");
    cluster.network.heal();
    cluster.run(electionMs);
    expect(cluster.leader()).toBeDefined();
  },
);

test.each(seeds)(
  "a hand-over that the heir never hears of ends with a leader all the same (seed %i)",
  (seed) => {
    const cluster = createCluster(seed, 3);
    const { leader, others } = led(cluster);
    for (const other of others) cluster.network.cut(leader.id, other.id);
    leader.give({ type: "transfer" });
    expect(leader.holdsLease()).toBe(false);
    cluster.network.heal();
    cluster.run(electionMs);
    expect(cluster.leader()).toBeDefined();
  },
);

test.each(seeds)(
  "a voter whose disk takes longer than a round costs the others no leader (seed %i)",
  (seed) => {
    const cluster = createCluster(seed, 5);
    const { leader, others } = led(cluster);
    const slow = others[0];
    cluster.setWriteMs(slow?.id ?? "", 3_000);
    leader.crash("old");
    cluster.run(electionMs);
    expect(cluster.leader()).toBeDefined();
    expect(cluster.leader()).not.toBe(slow);
  },
);

test("an answer to a poll is no vote, and a vote is no answer to a poll", () => {
  const state = candidateOf(["a", "b", "c", "d", "e"]);
  const poll: ElectionMessage = { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 };
  for (const from of ["b", "c"]) step(state, { type: "message", from, message: poll }, 2_000);
  expect(state.role).toBe("candidate");
  for (const from of ["d", "e"]) step(state, { type: "message", from, message: poll }, 2_000);
  expect(state).toMatchObject({ role: "candidate", term: 1 });
  const vote: ElectionMessage = { type: "vote_reply", term: 1, granted: true, quietMs: 2_000 };
  for (const from of ["d", "e"]) step(state, { type: "message", from, message: vote }, 2_000);
  expect(state.role).toBe("leader");
});

test("an answer to a poll that came late counts for no later poll", () => {
  const state = election(["a", "b", "c"]);
  step(state, { type: "tick" }, 2_000);
  step(
    state,
    {
      type: "message",
      from: "b",
      message: { type: "pre_vote_reply", term: 1, granted: false, voterTerm: 4 },
    },
    2_000,
  );
  step(state, { type: "tick" }, 9_000);
  expect(state).toMatchObject({ role: "pre_candidate", term: 4 });
  const late: ElectionMessage = { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 };
  step(state, { type: "message", from: "c", message: late }, 9_000);
  expect(state.role).toBe("pre_candidate");
});

function election(voters: readonly string[]): ElectionState {
  const options = { self: "a", voters, timing: defaultElectionTiming, random: () => 0.5 };
  return createElection(options, { term: 0, votedFor: null }, 0);
}

/** Voter `a` in the middle of its campaign for term 1. */
function candidateOf(voters: readonly string[]): ElectionState {
  const state = election(voters);
  step(state, { type: "tick" }, 2_000);
  const poll: ElectionMessage = { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 };
  for (const from of ["b", "c"]) step(state, { type: "message", from, message: poll }, 2_000);
  return state;
}
