import { beforeEach, describe, expect, test } from "vitest";
import {
  createElection,
  defaultElectionTiming,
  type ElectionEffect,
  type ElectionInput,
  type ElectionMessage,
  type ElectionState,
  leaseHeld,
  nextTickAt,
  step,
  VotersError,
} from "./election.ts";

const voters = ["a", "b", "c"];
const {
  electionTimeoutMinMs: minMs,
  electionTimeoutMaxMs: maxMs,
  leaseMs,
  heartbeatMs,
} = defaultElectionTiming;

let now = 0;
beforeEach(() => {
  now = 0;
});

function voter(
  self: string,
  persisted: { term: number; votedFor: string | null } = { term: 0, votedFor: null },
): ElectionState {
  return createElection({ self, voters, timing: defaultElectionTiming, random: () => 0.5 }, persisted, now);
}

function give(state: ElectionState, input: ElectionInput): ElectionEffect[] {
  return step(state, input, now);
}

function tell(state: ElectionState, from: string, message: ElectionMessage): ElectionEffect[] {
  return give(state, { type: "message", from, message });
}

function sent(effects: readonly ElectionEffect[], type: ElectionMessage["type"]): ElectionMessage[] {
  return effects.flatMap((effect) =>
    effect.type === "send" && effect.message.type === type ? [effect.message] : [],
  );
}

/** Voter `a` as it leads term 1 at `now`, long after it started. */
function leader(): ElectionState {
  const state = voter("a");
  now = 5_000;
  give(state, { type: "tick" });
  tell(state, "b", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
  tell(state, "b", { type: "vote_reply", term: 1, granted: true, quietMs: 5_000 });
  expect(state).toMatchObject({ role: "leader", term: 1 });
  return state;
}

/** Voter `b` that follows `a` in term 1 at `now`. */
function follower(): ElectionState {
  const state = voter("b");
  now = 5_000;
  tell(state, "a", { type: "lead", term: 1, sentAt: 77 });
  expect(state).toMatchObject({ role: "follower", leaderId: "a", term: 1 });
  return state;
}

describe("vote", () => {
  test("a vote is persisted before it is sent", () => {
    const state = voter("b");
    now = minMs;
    const effects = tell(state, "a", { type: "vote", term: 1, transfer: false });
    expect(effects.map((effect) => effect.type)).toEqual(["persist", "send", "role"]);
    expect(effects[0]).toEqual({ type: "persist", term: 1, votedFor: "a" });
  });

  test("a candidate's vote for itself is persisted before it asks others", () => {
    const state = voter("a");
    now = maxMs;
    give(state, { type: "tick" });
    const effects = tell(state, "c", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
    expect(effects[0]).toEqual({ type: "persist", term: 1, votedFor: "a" });
    expect(sent(effects, "vote")).toHaveLength(2);
  });

  test("a voter votes once per term, across a restart too", () => {
    const state = voter("b", { term: 4, votedFor: "a" });
    now = minMs;
    const refused = tell(state, "c", { type: "vote", term: 4, transfer: false });
    expect(sent(refused, "vote_reply")).toMatchObject([{ granted: false, term: 4 }]);
    const repeated = tell(state, "a", { type: "vote", term: 4, transfer: false });
    expect(sent(repeated, "vote_reply")).toMatchObject([{ granted: true, term: 4 }]);
  });

  test("a voter that just started votes for nobody, since it may have acknowledged a leader before", () => {
    const state = voter("b");
    now = minMs - 1;
    expect(tell(state, "a", { type: "vote", term: 9, transfer: false })).toEqual([]);
    expect(state.term).toBe(0);
  });

  test("an answer repeated or from a stranger does not count", () => {
    const state = createElection(
      { self: "a", voters: ["a", "b", "c", "d", "e"], timing: defaultElectionTiming, random: () => 0.5 },
      { term: 0, votedFor: null },
      0,
    );
    now = maxMs;
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
    for (now = 0; now < 600_000; now += 100) give(state, { type: "tick" });
    expect(state).toMatchObject({ term: 0, role: "pre_candidate" });
  });

  test("answering a poll changes neither term, vote nor timer", () => {
    const state = voter("b");
    now = minMs;
    const before = structuredClone({ ...state, random: null });
    const effects = tell(state, "a", { type: "pre_vote", term: 8 });
    expect(sent(effects, "pre_vote_reply")).toMatchObject([{ granted: true, voterTerm: 0 }]);
    expect({ ...state, random: null }).toEqual(before);
  });

  test("a voter that lags behind learns the term from a refusal", () => {
    const state = voter("a");
    now = maxMs;
    give(state, { type: "tick" });
    tell(state, "b", { type: "pre_vote_reply", term: 1, granted: false, voterTerm: 5 });
    expect(state).toMatchObject({ term: 5, votedFor: null, role: "follower" });
  });
});

describe("stickiness", () => {
  test("a follower that hears its leader ignores a vote request", () => {
    const state = follower();
    now += minMs - 1;
    expect(tell(state, "c", { type: "vote", term: 9, transfer: false })).toEqual([]);
    expect(state.term).toBe(1);
    expect(sent(tell(state, "c", { type: "pre_vote", term: 2 }), "pre_vote_reply")).toMatchObject([
      { granted: false },
    ]);
  });

  test("a follower votes once its leader has been silent for the shortest time-out", () => {
    const state = follower();
    now += minMs;
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

describe("check-quorum", () => {
  test("a leader whose heartbeats a majority leaves unanswered steps down", () => {
    const state = leader();
    const start = now;
    while (state.role === "leader" && now < start + 5_000) {
      now += heartbeatMs;
      give(state, { type: "tick" });
    }
    expect(state).toMatchObject({ role: "follower", leaderId: null, term: 1 });
    expect(now - start).toBeLessThanOrEqual(minMs + heartbeatMs);
  });

  test("one answering follower of two keeps the leader", () => {
    const state = leader();
    for (let round = 0; round < 50; round += 1) {
      now += heartbeatMs;
      give(state, { type: "tick" });
      tell(state, "c", { type: "lead_reply", term: 1, sentAt: now });
    }
    expect(state.role).toBe("leader");
  });

  test("a leader that was frozen asks once more before it gives up", () => {
    const state = leader();
    now += 900;
    expect(sent(give(state, { type: "tick" }), "lead")).toHaveLength(2);
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: now });
    now += heartbeatMs;
    give(state, { type: "tick" });
    expect(state.role).toBe("leader");
  });

  test("an answer in a higher term deposes the leader", () => {
    const state = leader();
    expect(tell(state, "b", { type: "lead_reply", term: 3, sentAt: now })[0]).toEqual({
      type: "persist",
      term: 3,
      votedFor: null,
    });
    expect(state.role).toBe("follower");
  });
});

describe("lease", () => {
  test("the lease counts from the sending of a heartbeat that a majority answered", () => {
    const state = leader();
    const sentAt = now;
    now += 500;
    expect(leaseHeld(state, now)).toBe(false);
    tell(state, "b", { type: "lead_reply", term: 1, sentAt });
    expect(leaseHeld(state, sentAt + leaseMs - 1)).toBe(true);
    expect(leaseHeld(state, sentAt + leaseMs)).toBe(false);
  });

  test("an answer to another term's heartbeat, or to none that was sent, does not count", () => {
    const state = leader();
    tell(state, "b", { type: "lead_reply", term: 0, sentAt: now });
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: now - 1 });
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: now + 1 });
    expect(leaseHeld(state, now)).toBe(false);
  });

  test("a leader whose voters heard another one lately waits until that one's lease is over", () => {
    const state = voter("a");
    now = 5_000;
    give(state, { type: "tick" });
    tell(state, "b", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
    tell(state, "b", { type: "vote_reply", term: 1, granted: true, quietMs: 100 });
    now += minMs - 101;
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: now });
    expect(leaseHeld(state, now)).toBe(false);
    expect(leaseHeld(state, now + 1)).toBe(true);
  });
});

describe("a leader that goes", () => {
  test("hands over to the voter that answered last, and leads no longer", () => {
    const state = leader();
    const first = now;
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: first });
    now += heartbeatMs;
    give(state, { type: "tick" });
    tell(state, "c", { type: "lead_reply", term: 1, sentAt: now });
    const effects = give(state, { type: "transfer" });
    expect(effects).toEqual([
      { type: "send", to: "c", message: { type: "timeout_now", term: 1 } },
      { type: "role", role: "follower", leaderId: null, term: 1 },
    ]);
    expect(leaseHeld(state, now)).toBe(false);
  });

  test("does not hand over to a voter whose link is down", () => {
    const state = leader();
    tell(state, "c", { type: "lead_reply", term: 1, sentAt: now });
    give(state, { type: "link", peer: "c", up: false });
    expect(give(state, { type: "transfer" })).toEqual([]);
    expect(state.role).toBe("leader");
  });

  test("the heir campaigns at once, without a poll", () => {
    const state = follower();
    const effects = tell(state, "a", { type: "timeout_now", term: 1 });
    expect(effects[0]).toEqual({ type: "persist", term: 2, votedFor: "b" });
    expect(sent(effects, "vote")).toEqual(Array(2).fill({ type: "vote", term: 2, transfer: true }));
  });

  test("only the leader can name an heir, and only in its own term", () => {
    const state = follower();
    expect(tell(state, "c", { type: "timeout_now", term: 1 })).toEqual([]);
    expect(tell(state, "a", { type: "timeout_now", term: 0 })).toEqual([]);
  });

  test("a follower whose redial the leader's host refuses polls within a heartbeat", () => {
    const state = follower();
    give(state, { type: "link", peer: "a", up: false, refused: true });
    expect(nextTickAt(state) - now).toBeLessThanOrEqual(heartbeatMs / 2);
    now = nextTickAt(state);
    expect(sent(give(state, { type: "tick" }), "pre_vote")).toHaveLength(2);
  });

  test("a closed link alone makes nobody poll early, nor does the refusal of another peer", () => {
    const state = follower();
    const due = nextTickAt(state);
    give(state, { type: "link", peer: "a", up: false });
    give(state, { type: "link", peer: "c", up: false, refused: true });
    expect(nextTickAt(state)).toBe(due);
  });

  test("a poll succeeds only at voters that were refused too", () => {
    const state = follower();
    const ask = (): unknown => sent(tell(state, "c", { type: "pre_vote", term: 2 }), "pre_vote_reply");
    expect(ask()).toMatchObject([{ granted: false }]);
    give(state, { type: "link", peer: "a", up: false, refused: true });
    expect(ask()).toMatchObject([{ granted: true }]);
    tell(state, "a", { type: "lead", term: 1, sentAt: 78 });
    expect(ask()).toMatchObject([{ granted: false }]);
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
