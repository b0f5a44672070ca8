import { beforeEach, describe, expect, test } from "vitest";
import { clock, follower, give, leader, sent, tell, voter } from "../testing/lone-voter.ts";
import {
  createElection,
  defaultElectionTiming,
  type ElectionMessage,
  type ElectionState,
  leaseHeld,
  VotersError,
} from "./election.ts";

const { electionTimeoutMinMs: minMs, electionTimeoutMaxMs: maxMs } = defaultElectionTiming;

beforeEach(() => {
  clock.now = 0;
});

describe("vote", () => {
  test("a vote is persisted before it is sent", () => {
    const state = voter("b");
    clock.now = minMs;
    const effects = tell(state, "a", { type: "vote", term: 1, transfer: false });
    expect(effects.map((effect) => effect.type)).toEqual(["persist", "send", "role"]);
    expect(effects[0]).toEqual({ type: "persist", term: 1, votedFor: "a" });
  });

  test("a candidate's vote for itself is persisted before it asks others", () => {
    const state = voter("a");
    clock.now = maxMs;
    give(state, { type: "tick" });
    const effects = tell(state, "c", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
    expect(effects[0]).toEqual({ type: "persist", term: 1, votedFor: "a" });
    expect(sent(effects, "vote")).toHaveLength(2);
  });

  test("a voter votes once per term, across a restart too", () => {
    const state = voter("b", { term: 4, votedFor: "a" });
    clock.now = minMs;
    const refused = tell(state, "c", { type: "vote", term: 4, transfer: false });
    expect(sent(refused, "vote_reply")).toMatchObject([{ granted: false, term: 4 }]);
    const repeated = tell(state, "a", { type: "vote", term: 4, transfer: false });
    expect(sent(repeated, "vote_reply")).toMatchObject([{ granted: true, term: 4 }]);
  });

  test("a voter that just started votes for nobody, since it may have acknowledged a leader before", () => {
    const state = voter("b");
    clock.now = minMs - 1;
    expect(tell(state, "a", { type: "vote", term: 9, transfer: false })).toEqual([]);
    expect(state.term).toBe(0);
  });

  test("an answer repeated or from a stranger does not count", () => {
    const state = createElection(
      { self: "a", voters: ["a", "b", "c", "d", "e"], timing: defaultElectionTiming, random: () => 0.5 },
      { term: 0, votedFor: null },
      0,
    );
    clock.now = maxMs;
    give(state, { type: "tick" });
    const yes: ElectionMessage = { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 };
    for (const from of ["b", "b", "stranger", "a"]) tell(state, from, yes);
    expect(state.role).toBe("pre_candidate");
    tell(state, "c", yes);
    expect(state.role).toBe("candidate");
    for (const from of ["b", "b", "stranger"]) {
      tell(state, from, { type: "vote_reply", term: 1, granted: true, quietMs: 9_000 });
    }
    expect(state.role).toBe("candidate");
  });

  test("messages of ids outside the configuration change nothing", () => {
    const state = follower();
    const before = structuredClone({ ...state, random: null });
    expect(tell(state, "stranger", { type: "lead", term: 99, sentAt: 0 })).toEqual([]);
    expect(tell(state, "stranger", { type: "vote", term: 99, transfer: true })).toEqual([]);
    expect({ ...state, random: null }).toEqual(before);
  });

  test("a single voter elects itself at once, in a new persisted term", () => {
    const alone = createElection(
      { self: "a", voters: ["a"], timing: defaultElectionTiming, random: () => 0.5 },
      { term: 6, votedFor: "a" },
      0,
    );
    expect(give(alone, { type: "tick" })).toEqual([
      { type: "persist", term: 7, votedFor: "a" },
      { type: "role", role: "leader", leaderId: "a", term: 7 },
    ]);
    expect(leaseHeld(alone, 0)).toBe(true);
  });
});

describe("pre-vote", () => {
  test("a voter that nobody answers does not raise its term", () => {
    const state = voter("a");
    for (clock.now = 0; clock.now < 600_000; clock.now += 100) give(state, { type: "tick" });
    expect(state).toMatchObject({ term: 0, role: "pre_candidate" });
  });

  test("answering a poll changes neither term, vote nor timer", () => {
    const state = voter("b");
    clock.now = minMs;
    const before = structuredClone({ ...state, random: null });
    const effects = tell(state, "a", { type: "pre_vote", term: 8 });
    expect(sent(effects, "pre_vote_reply")).toMatchObject([{ granted: true, voterTerm: 0 }]);
    expect({ ...state, random: null }).toEqual(before);
  });

  test("a voter that lags behind learns the term from a refusal", () => {
    const state = voter("a");
    clock.now = maxMs;
    give(state, { type: "tick" });
    tell(state, "b", { type: "pre_vote_reply", term: 1, granted: false, voterTerm: 5 });
    expect(state).toMatchObject({ term: 5, votedFor: null, role: "follower" });
  });
});

describe("stickiness", () => {
  test("a follower that hears its leader ignores a vote request", () => {
    const state = follower();
    clock.now += minMs - 1;
    expect(tell(state, "c", { type: "vote", term: 9, transfer: false })).toEqual([]);
    expect(state.term).toBe(1);
    expect(sent(tell(state, "c", { type: "pre_vote", term: 2 }), "pre_vote_reply")).toMatchObject([
      { granted: false },
    ]);
  });

  test("a follower votes once its leader has been silent for the shortest time-out", () => {
    const state = follower();
    clock.now += minMs;
    const effects = tell(state, "c", { type: "vote", term: 2, transfer: false });
    expect(sent(effects, "vote_reply")).toEqual([
      { type: "vote_reply", term: 2, granted: true, quietMs: minMs },
    ]);
  });

  test("a leader that a majority answers ignores a vote request", () => {
    const state = leader();
    expect(tell(state, "c", { type: "vote", term: 9, transfer: false })).toEqual([]);
    expect(state.role).toBe("leader");
  });

  test("a vote that the leader asked for is granted although it is heard", () => {
    const state = follower();
    const effects = tell(state, "c", { type: "vote", term: 2, transfer: true });
    expect(sent(effects, "vote_reply")).toMatchObject([{ granted: true, quietMs: 0 }]);
  });
});

describe("heartbeats", () => {
  test("a heartbeat of an older term is answered with the newer one and otherwise ignored", () => {
    const state = voter("b", { term: 4, votedFor: null });
    const effects = tell(state, "a", { type: "lead", term: 3, sentAt: 5 });
    expect(effects).toEqual([{ type: "send", to: "a", message: { type: "lead_reply", term: 4, sentAt: 5 } }]);
    expect(state.leaderId).toBeNull();
  });

  test("a heartbeat of a newer term is persisted before it is answered", () => {
    const effects = tell(voter("b"), "a", { type: "lead", term: 3, sentAt: 5 });
    expect(effects.map((effect) => effect.type)).toEqual(["persist", "send", "role"]);
  });
});

test.each([
  [[], "not among the configured voters"],
  [["b", "c"], "not among the configured voters"],
  [["a", "b", "b"], "twice"],
])("voters %j are refused", (list, reason) => {
  const create = (): ElectionState =>
    createElection(
      { self: "a", voters: list, timing: defaultElectionTiming, random: () => 0 },
      { term: 0, votedFor: null },
      0,
    );
  expect(create).toThrow(VotersError);
  expect(create).toThrow(reason);
});
