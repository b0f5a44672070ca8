import { beforeEach, describe, expect, test } from "vitest";
import { clock, follower, give, leader, sent, tell, voter } from "../testing/lone-voter.ts";
import { defaultElectionTiming, leaseHeld, nextTickAt } from "./election.ts";

const { electionTimeoutMinMs: minMs, leaseMs, heartbeatMs } = defaultElectionTiming;

beforeEach(() => {
  clock.now = 0;
});

describe("check-quorum", () => {
  test("a leader whose heartbeats a majority leaves unanswered steps down", () => {
    const state = leader();
    const start = clock.now;
    while (state.role === "leader" && clock.now < start + 5_000) {
      clock.now += heartbeatMs;
      give(state, { type: "tick" });
    }
    expect(state).toMatchObject({ role: "follower", leaderId: null, term: 1 });
    expect(clock.now - start).toBeLessThanOrEqual(minMs + heartbeatMs);
  });

  test("one answering follower of two keeps the leader", () => {
    const state = leader();
    for (let round = 0; round < 50; round += 1) {
      clock.now += heartbeatMs;
      give(state, { type: "tick" });
      tell(state, "c", { type: "lead_reply", term: 1, sentAt: clock.now });
    }
    expect(state.role).toBe("leader");
  });

  test("a leader that was frozen asks once more before it gives up", () => {
    const state = leader();
    clock.now += 900;
    expect(sent(give(state, { type: "tick" }), "lead")).toHaveLength(2);
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: clock.now });
    clock.now += heartbeatMs;
    give(state, { type: "tick" });
    expect(state.role).toBe("leader");
  });

  test("an answer in a higher term deposes the leader", () => {
    const state = leader();
    expect(tell(state, "b", { type: "lead_reply", term: 3, sentAt: clock.now })[0]).toEqual({
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
    const sentAt = clock.now;
    clock.now += 500;
    expect(leaseHeld(state, clock.now)).toBe(false);
    tell(state, "b", { type: "lead_reply", term: 1, sentAt });
    expect(leaseHeld(state, sentAt + leaseMs - 1)).toBe(true);
    expect(leaseHeld(state, sentAt + leaseMs)).toBe(false);
  });

  test("an answer to another term's heartbeat, or to none that was sent, does not count", () => {
    const state = leader();
    tell(state, "b", { type: "lead_reply", term: 0, sentAt: clock.now });
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: clock.now - 1 });
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: clock.now + 1 });
    expect(leaseHeld(state, clock.now)).toBe(false);
  });

  test("a leader whose voters heard another one lately waits until that one's lease is over", () => {
    const state = voter("a");
    clock.now = 5_000;
    give(state, { type: "tick" });
    tell(state, "b", { type: "pre_vote_reply", term: 1, granted: true, voterTerm: 0 });
    tell(state, "b", { type: "vote_reply", term: 1, granted: true, quietMs: 100 });
    clock.now += minMs - 101;
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: clock.now });
    expect(leaseHeld(state, clock.now)).toBe(false);
    expect(leaseHeld(state, clock.now + 1)).toBe(true);
  });
});

describe("a leader that goes", () => {
  test("hands over to the voter that answered last, and leads no longer", () => {
    const state = leader();
    const first = clock.now;
    tell(state, "b", { type: "lead_reply", term: 1, sentAt: first });
    clock.now += heartbeatMs;
    give(state, { type: "tick" });
    tell(state, "c", { type: "lead_reply", term: 1, sentAt: clock.now });
    const effects = give(state, { type: "transfer" });
    expect(effects).toEqual([
      { type: "send", to: "c", message: { type: "timeout_now", term: 1 } },
      { type: "role", role: "follower", leaderId: null, term: 1 },
    ]);
    expect(leaseHeld(state, clock.now)).toBe(false);
  });

  test("does not hand over to a voter whose link is down", () => {
    const state = leader();
    tell(state, "c", { type: "lead_reply", term: 1, sentAt: clock.now });
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
    expect(nextTickAt(state) - clock.now).toBeLessThanOrEqual(heartbeatMs / 2);
    clock.now = nextTickAt(state);
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
