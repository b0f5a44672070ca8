import type { AgreedCopy } from "@ringrift/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { clock, follower, give, leader, sent, tell, voter } from "../testing/lone-voter.ts";
import {
  createElection,
  defaultElectionTiming,
  type ElectionState,
  leaseHeld,
  mayWrite,
} from "./election.ts";
import { createNewcomer, lastQuestion, meet } from "./newcomer.ts";

const { electionTimeoutMinMs, electionTimeoutMaxMs } = defaultElectionTiming;
const written = (version: number, value: string, term = 1): AgreedCopy => ({ term, version, value });
const before = { term: 4, votedFor: "c", copy: written(3, "three") };

beforeEach(() => {
  clock.now = 0;
});

/** `state` asks for votes at 5 s and has one of `b`, which brings this copy. */
function win(state: ElectionState, copy?: AgreedCopy) {
  clock.now = 5_000;
  give(state, { type: "tick" });
  tell(state, "b", { type: "pre_vote_reply", term: state.term + 1, granted: true, voterTerm: state.term });
  return tell(state, "b", { type: "vote_reply", term: state.term, granted: true, quietMs: 5_000, copy });
}

/** `from` answers the newest heartbeat of `state` and says what it holds. */
function hold(state: ElectionState, from: string, copy: AgreedCopy | null, sentAt = state.lastSentAt) {
  const stamp = copy === null ? undefined : { term: copy.term, version: copy.version };
  return tell(state, from, { type: "lead_reply", term: state.term, sentAt, stamp });
}

describe("a cluster that has agreed on nothing", () => {
  it("says nothing of a value in any message, and leads as soon as it may", () => {
    const state = voter("a", { term: 4, votedFor: null });
    const effects = win(state);
    expect(JSON.stringify(effects)).not.toMatch(/copy|stamp|agreed/);
    hold(state, "b", null);
    expect(mayWrite(state, clock.now)).toBe(true);
  });
});

describe("a voter that votes", () => {
  it("brings its copy where the candidate's is older, and only there", () => {
    const ask = (stamp?: { term: number; version: number }) => {
      clock.now = 0;
      const state = voter("b", before);
      clock.now = 5_000;
      return sent(tell(state, "a", { type: "vote", term: 5, transfer: false, stamp }), "vote_reply");
    };
    expect(ask()).toMatchObject([{ granted: true, copy: before.copy }]);
    expect(ask({ term: 1, version: 2 })).toMatchObject([{ granted: true, copy: before.copy }]);
    expect(ask({ term: 1, version: 3 })[0]).toMatchObject({ granted: true, copy: undefined });
    expect(ask({ term: 2, version: 1 })[0]).toMatchObject({ granted: true, copy: undefined });
  });

  it("keeps its copy on disk with the vote", () => {
    const state = voter("b", before);
    clock.now = 5_000;
    const effects = tell(state, "a", { type: "vote", term: 5, transfer: false });
    expect(effects[0]).toEqual({ type: "persist", term: 5, votedFor: "a", copy: before.copy });
  });
});

describe("a winner", () => {
  it("takes over the newest copy in its own term, on disk before anybody hears of it", () => {
    const state = voter("a", before);
    const effects = win(state, written(7, "seven", 3));
    const restored = written(7, "seven", 5);
    expect(effects[0]).toMatchObject({ type: "persist", term: 5, copy: restored });
    expect(sent(effects, "lead")).toMatchObject([{ copy: restored }, { copy: restored }]);
  });

  it("takes over its own copy where that is the newest, and asks with its stamp", () => {
    const state = voter("a", before);
    win(state, written(9, "old", 0));
    expect(state.copy).toEqual(written(3, "three", 5));
  });

  it("does not act before a majority holds what earlier leaders may have agreed on", () => {
    const state = voter("a", before);
    win(state);
    clock.now += electionTimeoutMinMs / 2;
    give(state, { type: "tick" });
    hold(state, "b", null);
    expect(leaseHeld(state, clock.now)).toBe(false);
    expect(hold(state, "b", state.copy)).toContainEqual({ type: "agreed", copy: state.copy });
    expect(leaseHeld(state, clock.now)).toBe(true);
  });
});

describe("a write", () => {
  it("goes to everyone at once, and is agreed when a majority has it on disk", () => {
    const state = leader();
    hold(state, "b", null);
    clock.now += 50;
    const effects = give(state, { type: "write", value: "one" });
    expect(effects[0]).toMatchObject({ type: "persist", copy: written(1, "one") });
    expect(sent(effects, "lead")).toHaveLength(2);
    expect(state.confirmed).toBe(false);
    expect(hold(state, "b", state.copy)).toContainEqual({ type: "agreed", copy: written(1, "one") });
  });

  it("is refused while another is under way, and of who does not hold the lease", () => {
    const state = leader();
    hold(state, "b", null);
    give(state, { type: "write", value: "one" });
    expect(give(state, { type: "write", value: "two" })).toEqual([]);
    expect(give(follower(), { type: "write", value: "two" })).toEqual([]);
  });

  it("is agreed at once where there is one voter", () => {
    const options = { self: "a", voters: ["a"], timing: defaultElectionTiming, random: () => 0.5 };
    const state = createElection(options, { term: 0, votedFor: null }, clock.now);
    give(state, { type: "tick" });
    expect(give(state, { type: "write", value: "one" })).toContainEqual({
      type: "agreed",
      copy: written(1, "one"),
    });
  });

  it("is sent with every heartbeat to who is not known to have it, and again to who lost it with its disk", () => {
    const state = leader();
    hold(state, "b", null);
    give(state, { type: "write", value: "one" });
    hold(state, "b", state.copy);
    const next = () => {
      clock.now += defaultElectionTiming.heartbeatMs;
      return sent(give(state, { type: "tick" }), "lead");
    };
    const [toB, toC] = next();
    expect(toB).toMatchObject({ agreed: { term: 1, version: 1 } });
    expect(toB).not.toHaveProperty("copy");
    expect(toC).toMatchObject({ copy: written(1, "one") });
    hold(state, "b", null);
    expect(next()[0]).toMatchObject({ copy: written(1, "one") });
  });

  it("that failed under an earlier leader is written over with nothing, where nothing was ever agreed", () => {
    const state = voter("a", { term: 4, votedFor: null });
    win(state);
    const effects = hold(state, "b", written(1, "one", 4));
    expect(effects).toEqual([
      { type: "persist", term: 5, votedFor: "a", copy: { term: 5, version: 0, value: "" } },
    ]);
    expect(hold(state, "b", state.copy)).toContainEqual({ type: "agreed", copy: state.copy });
  });

  it("does not count who said long ago that it holds it: it may have lost its disk since", () => {
    const state = leader();
    hold(state, "b", null);
    give(state, { type: "write", value: "one" });
    const { lastSentAt } = state;
    clock.now += electionTimeoutMinMs;
    hold(state, "b", state.copy, lastSentAt);
    expect(state.confirmed).toBe(false);
  });
});

describe("a follower", () => {
  it("has the leader's copy on disk before it says so", () => {
    const copy = written(1, "one");
    const effects = tell(follower(), "a", { type: "lead", term: 1, sentAt: 90, copy });
    expect(effects).toMatchObject([
      { type: "persist", term: 1, copy },
      { type: "send", message: { type: "lead_reply", sentAt: 90, stamp: { term: 1, version: 1 } } },
    ]);
  });

  it("writes once when a copy comes with a new term", () => {
    const effects = tell(follower(), "c", { type: "lead", term: 2, sentAt: 90, copy: written(1, "one", 2) });
    expect(effects.filter(({ type }) => type === "persist")).toHaveLength(1);
  });

  it("knows its copy as agreed once the leader says so of the same one", () => {
    const state = follower();
    tell(state, "a", { type: "lead", term: 1, sentAt: 90, copy: written(2, "two") });
    tell(state, "a", { type: "lead", term: 1, sentAt: 91, agreed: { term: 1, version: 1 } });
    expect(state.confirmed).toBe(false);
    const effects = tell(state, "a", { type: "lead", term: 1, sentAt: 92, agreed: { term: 1, version: 2 } });
    expect(effects).toContainEqual({ type: "agreed", copy: written(2, "two") });
  });

  it("takes nothing from a leader of an earlier term, nor an older copy", () => {
    const state = voter("b", before);
    expect(tell(state, "a", { type: "lead", term: 3, sentAt: 1, copy: written(9, "nine", 3) })).toHaveLength(
      1,
    );
    tell(state, "a", { type: "lead", term: 4, sentAt: 1, copy: written(2, "two") });
    expect(state.copy).toBe(before.copy);
  });
});

describe("a voter that lost its disk", () => {
  it("joins with the newest copy of those that it asked last", () => {
    const newcomer = createNewcomer(
      { self: "a", voters: ["a", "b", "c"], timing: defaultElectionTiming, firstTerm: 9 },
      0,
    );
    const answer = (from: string, copy?: AgreedCopy) =>
      meet(
        newcomer,
        {
          type: "message",
          from,
          message: { type: "pre_vote_reply", term: lastQuestion, granted: false, voterTerm: 5, copy },
        },
        2 * electionTimeoutMaxMs,
      );
    answer("b", written(3, "three"));
    expect(answer("c", written(2, "two"))).toEqual([
      { type: "persist", term: 5, votedFor: "a", copy: written(3, "three") },
    ]);
  });

  it("hears the copy of whom it asks last, and of nobody else", () => {
    const poll = (term: number) =>
      sent(tell(voter("b", before), "a", { type: "pre_vote", term }), "pre_vote_reply");
    expect(poll(lastQuestion)).toMatchObject([{ copy: before.copy }]);
    expect(poll(0)[0]).toMatchObject({ copy: undefined });
    expect(poll(5)[0]).toMatchObject({ copy: undefined });
  });
});
