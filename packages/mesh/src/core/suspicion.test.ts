import { beforeEach, describe, expect, test } from "vitest";
import {
  give,
  hello,
  life,
  observer,
  pass,
  reset,
  state,
  tickMs,
  told,
  toldBy,
} from "../testing/lone-observer.ts";
import type { MembershipResult } from "./membership.ts";
import { createMembership, defaultMembershipTiming } from "./membership.ts";

beforeEach(reset);

describe("silence", () => {
  test("a member is suspect after 3 missed heartbeats and down after the suspicion time", () => {
    hello("n1");
    pass(2_950);
    expect(state("n1")).toBe("alive");
    pass(50);
    expect(state("n1")).toBe("suspect");
    pass(1_250);
    expect(state("n1")).toBe("suspect");
    pass(100);
    expect(state("n1")).toBe("down");
    expect(observer.now).toBeLessThanOrEqual(4_500);
    expect(observer.seen.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      [null, "alive", "heard"],
      ["alive", "suspect", "silence"],
      ["suspect", "down", "silence"],
    ]);
  });

  test("a heartbeat clears a suspicion, and even a down", () => {
    hello("n1");
    pass(3_100);
    give({ type: "heartbeat", member: "n1", incarnation: life });
    expect(state("n1")).toBe("alive");
    pass(5_000);
    expect(state("n1")).toBe("down");
    give({ type: "heartbeat", member: "n1", incarnation: life });
    expect(state("n1")).toBe("alive");
  });

  test("a member that another server hears is not accused of silence", () => {
    hello("n1");
    for (let second = 0; second < 20; second += 1) {
      pass(1_000);
      told("n1", { heardMsAgo: 300 });
    }
    expect(state("n1")).toBe("alive");
    expect(observer.view.members.get("n1")?.reason).toBe("relayed");
  });

  test("all servers measure one silence, from the last that any of them heard", () => {
    hello("n1");
    pass(3_100);
    told("n1", { heardMsAgo: 2_600 });
    pass(1_700);
    expect(state("n1")).toBe("suspect");
    pass(200);
    expect(state("n1")).toBe("down");
  });

  test("a stop of four seconds is no death when signs of life come four times a second", () => {
    hello("n1");
    pass(250);
    pass(4_000);
    expect(state("n1")).toBe("suspect");
    give({ type: "heartbeat", member: "n1", incarnation: life });
    expect(state("n1")).toBe("alive");
    expect(observer.seen.some(({ to }) => to === "down")).toBe(false);
  });

  test("old testimony clears nobody", () => {
    hello("n1");
    pass(3_100);
    told("n1", { heardMsAgo: 2_500 });
    expect(state("n1")).toBe("suspect");
  });
});

describe("abnormal close", () => {
  const close = (member = "n1"): MembershipResult => give({ type: "close", member, incarnation: life });

  test("the member is suspect at once, and down after the suspicion time when nothing else is known", () => {
    hello("n1");
    close();
    expect(state("n1")).toBe("suspect");
    pass(1_300);
    expect(state("n1")).toBe("suspect");
    pass(50);
    expect(state("n1")).toBe("down");
  });

  test("the same close observer.seen by two servers is down within a second", () => {
    hello("n1");
    close();
    told("n1", { closedMsAgo: 5, state: "suspect", reason: "close" });
    pass(550);
    expect(state("n1")).toBe("suspect");
    pass(50);
    expect(state("n1")).toBe("down");
  });

  test("a word from before the close that comes late does not outweigh closes at every server", () => {
    hello("n1");
    close();
    pass(400);
    told("n1", { heardMsAgo: 50 });
    expect(state("n1")).toBe("alive");
    told("n1", { closedMsAgo: 300, heardMsAgo: 350, state: "suspect", reason: "close" });
    toldBy("s3", "n1", { closedMsAgo: 400, heardMsAgo: 450, state: "suspect", reason: "close" });
    expect(state("n1")).toBe("suspect");
    pass(600);
    expect(state("n1")).toBe("down");
  });

  test("a refused connection makes it down within a second", () => {
    hello("n1");
    close();
    give({ type: "refused", member: "n1", incarnation: life });
    pass(600);
    expect(observer.seen.at(-1)).toMatchObject({ to: "down", reason: "refused" });
  });

  test("the only server needs no second witness", () => {
    observer.view = createMembership(
      { self: "s1", servers: ["s1"], timing: defaultMembershipTiming },
      observer.now,
    );
    hello("n1");
    close();
    pass(600);
    expect(state("n1")).toBe("down");
  });

  test("a reconnect in time clears it", () => {
    hello("n1");
    close();
    pass(500);
    hello("n1");
    pass(2_000, ["n1"]);
    expect(state("n1")).toBe("alive");
    expect(observer.seen.some(({ to }) => to === "down")).toBe(false);
  });

  test("a member that another server goes on hearing is not down", () => {
    hello("n1");
    close();
    for (let round = 0; round < 20; round += 1) {
      pass(500);
      told("n1", { heardMsAgo: 100 });
    }
    expect(observer.seen.some(({ to }) => to === "down")).toBe(false);
    expect(state("n1")).toBe("alive");
  });
});

describe("the observer's own trouble", () => {
  test("an observer that did not run blames nobody for what it did not hear", () => {
    hello("n1");
    observer.now += 30_000;
    give({ type: "tick" });
    expect(state("n1")).toBe("alive");
  });

  test("an observer that begins to lag takes no accusation back without news", () => {
    hello("n1");
    pass(3_050);
    expect(state("n1")).toBe("suspect");
    give({ type: "tick", loopLagMs: 2_000 });
    told("n1", { heardMsAgo: 1_500 });
    expect(state("n1")).toBe("suspect");
    told("n1", { heardMsAgo: 200 });
    expect(state("n1")).toBe("alive");
  });

  test("a lagging observer takes longer to accuse", () => {
    hello("n1");
    while (observer.now < 5_950) {
      observer.now += tickMs;
      give({ type: "tick", loopLagMs: 300 });
    }
    expect(state("n1")).toBe("alive");
    observer.now += tickMs;
    give({ type: "tick", loopLagMs: 300 });
    expect(state("n1")).toBe("suspect");
  });
});
