import { beforeEach, describe, expect, test } from "vitest";
import { give, hello, life, observer, pass, reset, state, told } from "../testing/lone-observer.ts";
import { createMembership, defaultMembershipTiming, observations } from "./membership.ts";

beforeEach(reset);

describe("lives", () => {
  test("an older life is refused and changes nothing", () => {
    hello("n1", { boot: 200, counter: 0 });
    expect(hello("n1", life).refusal).toBe("stale");
    expect(give({ type: "close", member: "n1", incarnation: life }).refusal).toBe("stale");
    expect(give({ type: "leave", member: "n1", incarnation: life }).refusal).toBe("stale");
    expect(state("n1")).toBe("alive");
  });

  test("a restart outranks old accusations", () => {
    hello("n1");
    pass(5_000);
    expect(state("n1")).toBe("down");
    hello("n1", { boot: 101, counter: 0 });
    expect(state("n1")).toBe("alive");
    expect(told("n1", { state: "down", closedMsAgo: 1 }).refusal).toBe("stale");
  });

  test("a member that left stays away until it starts anew", () => {
    hello("n1");
    give({ type: "leave", member: "n1", incarnation: life });
    expect(state("n1")).toBe("left");
    expect(give({ type: "heartbeat", member: "n1", incarnation: life }).refusal).toBe("left");
    pass(10_000);
    expect(state("n1")).toBe("left");
    hello("n1", { boot: 101, counter: 0 });
    expect(state("n1")).toBe("alive");
  });

  test("a leave told by another server counts at once", () => {
    hello("n1");
    told("n1", { state: "left", reason: "leave" });
    expect(observer.seen.at(-1)).toMatchObject({ to: "left", accuser: "s2" });
  });

  test("a heartbeat of a stranger is refused", () => {
    expect(give({ type: "heartbeat", member: "x", incarnation: life }).refusal).toBe("unknown");
  });

  test("a newcomer beyond the bound takes the place of a member that is gone", () => {
    observer.view = createMembership(
      { self: "s1", servers: ["s1"], timing: defaultMembershipTiming, maxMembers: 2 },
      observer.now,
    );
    hello("n1");
    hello("n2");
    give({ type: "leave", member: "n1", incarnation: life });
    hello("n3");
    expect([...observer.view.members.keys()]).toEqual(["n2", "n3"]);
  });

  test("newcomers beyond the bound are refused while all members live", () => {
    observer.view = createMembership(
      { self: "s1", servers: ["s1"], timing: defaultMembershipTiming, maxMembers: 1 },
      observer.now,
    );
    hello("n1");
    expect(hello("n2").refusal).toBe("full");
  });
});

test("a server shares ages of what it saw itself, and only of members it should see", () => {
  hello("n1");
  give({ type: "hello", member: "n2", role: "agent", incarnation: life, homes: ["s2", "s3"] });
  pass(200);
  give({ type: "close", member: "n1", incarnation: life });
  pass(100);
  expect(observations(observer.view, observer.now)).toMatchObject([
    { member: "n1", state: "suspect", reason: "close", heardMsAgo: 300, closedMsAgo: 100 },
  ]);
});

test("a server's homes are the other servers", () => {
  give({ type: "hello", member: "s2", role: "server", incarnation: life });
  expect(observer.view.members.get("s2")?.homes).toEqual(["s1", "s3"]);
});
