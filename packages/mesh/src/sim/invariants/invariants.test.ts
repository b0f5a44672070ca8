import type { LinkState } from "@ringrift/protocol";
import { expect, test } from "vitest";
import type { ElectionMessage } from "../../core/election.ts";
import { createJudge, type Fact, type Invariant } from "../invariant.ts";
import { agreedValueIsNeverLost } from "./agreed-value-is-never-lost.ts";
import { commandsAreFenced } from "./commands-are-fenced.ts";
import { everythingIsBounded } from "./everything-is-bounded.ts";
import { leaderHasAMajority } from "./leader-has-a-majority.ts";
import { leaderWithoutQuorumStepsDown } from "./leader-without-quorum-steps-down.ts";
import { majorityKeepsItsLeader } from "./majority-keeps-its-leader.ts";
import { noLeaseWithoutQuorum } from "./no-lease-without-quorum.ts";
import { noLiveMemberDown } from "./no-live-member-down.ts";
import { oneLeaderAfterHealing } from "./one-leader-after-healing.ts";
import { oneLeaderPerTerm } from "./one-leader-per-term.ts";
import { oneLeaseHolder } from "./one-lease-holder.ts";
import { oneVotePerTerm } from "./one-vote-per-term.ts";
import { refutationIsBelieved } from "./refutation-is-believed.ts";
import { statusRaisesNoTerm } from "./status-raises-no-term.ts";
import { strangersChangeNothing } from "./strangers-change-nothing.ts";
import { termNeverFalls } from "./term-never-falls.ts";

const voters = ["v1", "v2", "v3"];

function sent(from: string, to: string, message: ElectionMessage, at = 0): Fact {
  return { type: "sent", at, from, to, packet: { kind: "election", message } };
}
function answered(from: string, to: string, sentAt: number): Fact {
  const message: ElectionMessage = { type: "lead_reply", term: 1, sentAt };
  return { type: "delivered", from, to, packet: { kind: "election", message } };
}
function instant(at: number, leaseHolders: readonly string[], since = at): Fact {
  return { type: "instant", at, leaseHolders, leaders: leaseHolders.map((id) => ({ id, since })) };
}
const agreedOn = (term: number, version: number, value: string): Fact => ({
  type: "agreed",
  voter: "v1",
  copy: { term, version, value },
});
const leads = (voter: string, term: number): Fact => ({ type: "leads", voter, term });
const voted = (voter: string, term: number, votedFor: string): Fact => ({
  type: "vote_on_disk",
  voter,
  vote: { term, votedFor },
});
const accepted = (receiver: string, term: number): Fact => ({
  type: "command_accepted",
  receiver,
  epoch: { generation: 0, term },
});
const listed = (state: LinkState, live: boolean): Fact => ({
  type: "listed",
  at: 0,
  server: "s1",
  member: "n1",
  state,
  live,
});
const crashed = (state: LinkState): Fact => ({
  type: "crash_settled",
  member: "n1",
  afterMs: 6_000,
  listed: ["down", state],
});
const back = (state: LinkState): Fact => ({
  type: "refutation_settled",
  member: "n1",
  afterMs: 5_000,
  listed: ["alive", state],
});
const lead = (term: number, sentAt = 0): ElectionMessage => ({ type: "lead", term, sentAt });
const grant = (term: number): ElectionMessage => ({ type: "vote_reply", term, granted: true, quietMs: 0 });

const cases: readonly (readonly [Invariant, readonly Fact[], Fact])[] = [
  [oneLeaderPerTerm, [leads("v1", 1), leads("v2", 2), sent("v2", "v1", lead(2))], leads("v2", 1)],
  [leaderHasAMajority(voters), [voted("v1", 1, "v1"), voted("v2", 1, "v1"), leads("v1", 1)], leads("v1", 2)],
  [leaderHasAMajority(voters), [voted("v1", 1, "v1"), voted("v1", 1, "v1")], leads("v1", 1)],
  [termNeverFalls, [voted("v1", 3, "v1"), sent("v1", "v2", lead(3))], sent("v1", "v2", lead(2))],
  [
    termNeverFalls,
    [voted("v1", 3, "v1"), { type: "wiped", voter: "v1" }, voted("v1", 2, "v1")],
    voted("v1", 1, "v1"),
  ],
  [oneVotePerTerm, [sent("v1", "v2", grant(1)), sent("v1", "v2", grant(1))], sent("v1", "v3", grant(1))],
  [
    oneVotePerTerm,
    [sent("v1", "v2", { type: "vote", term: 1, transfer: false })],
    sent("v1", "v3", grant(1)),
  ],
  [
    oneVotePerTerm,
    [
      sent("v1", "v2", { type: "vote", term: 1, transfer: false }),
      sent("v1", "v2", grant(2)),
      leads("v2", 2),
      { type: "wiped", voter: "v1" },
      sent("v1", "v3", grant(1)),
    ],
    sent("v1", "v3", grant(2)),
  ],
  [
    oneVotePerTerm,
    [sent("v1", "v2", grant(2)), { type: "wiped", voter: "v1" }, sent("v1", "v3", grant(2)), leads("v3", 2)],
    leads("v2", 2),
  ],
  [
    agreedValueIsNeverLost(voters),
    [agreedOn(1, 1, "a"), agreedOn(1, 2, "b"), agreedOn(3, 2, "b"), agreedOn(2, 2, "b")],
    agreedOn(4, 1, "a"),
  ],
  [
    agreedValueIsNeverLost(voters),
    [
      ...voters.map((id) => voted(id, 5, "v1")),
      agreedOn(5, 7, "a"),
      { type: "wiped", voter: "v1" },
      agreedOn(6, 7, "a"),
      { type: "wiped", voter: "v2" },
      agreedOn(8, 1, "b"),
    ],
    agreedOn(9, 1, "c"),
  ],
  [commandsAreFenced, [accepted("a", 1), accepted("a", 2), accepted("b", 1)], accepted("a", 1)],
  [oneLeaseHolder, [instant(1, ["v1"]), instant(2, ["v2"])], instant(3, ["v1", "v2"])],
  [
    noLeaseWithoutQuorum(voters, 800),
    [sent("v1", "v2", lead(1, 77), 1_000), answered("v2", "v1", 77), instant(1_800, ["v1"])],
    instant(1_801, ["v1"]),
  ],
  [
    leaderWithoutQuorumStepsDown(voters, 1_500),
    [sent("v1", "v2", lead(1, 77), 1_000), answered("v2", "v1", 77), instant(2_500, ["v1"], 900)],
    instant(2_501, ["v1"], 900),
  ],
  [majorityKeepsItsLeader, [leads("v1", 1), { type: "settled", leader: "v1" }], leads("v2", 2)],
  [noLiveMemberDown, [listed("down", false), listed("suspect", true)], listed("down", true)],
  [noLiveMemberDown, [crashed("down")], crashed("suspect")],
  [refutationIsBelieved, [back("alive")], back("suspect")],
  [
    oneLeaderAfterHealing,
    [{ type: "healed", leaderAfterMs: 10, agreedAfterMs: 200 }],
    { type: "healed", leaderAfterMs: null, agreedAfterMs: null },
  ],
  [
    everythingIsBounded,
    [{ type: "queue", name: "q", length: 5, limit: 5 }],
    { type: "queue", name: "q", length: 6, limit: 5 },
  ],
  [
    statusRaisesNoTerm,
    [{ type: "status_heard", voter: "v1", before: 1, after: 1 }],
    { type: "status_heard", voter: "v1", before: 1, after: 9 },
  ],
  [
    strangersChangeNothing,
    [{ type: "stranger_heard", voter: "v1", before: "x", after: "x", effects: 0 }],
    { type: "stranger_heard", voter: "v1", before: "x", after: "x", effects: 1 },
  ],
];

test.each(cases.map(([invariant, sound, wrong]) => [invariant.name, invariant, sound, wrong] as const))(
  "%s: sound facts pass, the wrong one is told",
  (name, invariant, sound, wrong) => {
    const judge = createJudge([invariant]);
    for (const fact of sound) judge.see(fact);
    expect(judge.violation()).toBeNull();
    judge.see(wrong);
    expect(judge.violation()?.invariant).toBe(name);
  },
);
