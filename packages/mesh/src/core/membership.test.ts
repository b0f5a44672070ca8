import { beforeEach, describe, expect, test } from "vitest";
import type { Incarnation } from "./member.ts";
import {
  createMembership,
  defaultMembershipTiming,
  type Membership,
  type MembershipInput,
  type MembershipResult,
  type MemberTransition,
  type Observation,
  observations,
  observe,
} from "./membership.ts";

const life: Incarnation = { boot: 100, counter: 0 };
const tickMs = 50;

let now = 0;
let view: Membership;
let seen: MemberTransition[] = [];
beforeEach(() => {
  now = 0;
  seen = [];
  view = createMembership({ self: "s1", servers: ["s1", "s2", "s3"], timing: defaultMembershipTiming }, now);
});

function give(input: MembershipInput): MembershipResult {
  const result = observe(view, input, now);
  seen.push(...result.transitions);
  return result;
}

function hello(member: string, incarnation = life): MembershipResult {
  return give({ type: "hello", member, role: "agent", incarnation });
}

/** Lets time pass in ticks while `beating` members send a heartbeat every second. */
function pass(ms: number, beating: readonly string[] = []): void {
  const end = now + ms;
  while (now < end) {
    now += tickMs;
    if (now % 1_000 === 0)
      for (const member of beating) give({ type: "heartbeat", member, incarnation: life });
    give({ type: "tick" });
  }
}

function state(member: string): string | undefined {
  return view.members.get(member)?.state;
}

function told(member: string, change: Partial<Observation>): MembershipResult {
  return toldBy("s2", member, change);
}

function toldBy(from: string, member: string, change: Partial<Observation>): MembershipResult {
  const observation: Observation = {
    member,
    role: "agent",
    incarnation: life,
    homes: ["s1", "s2", "s3"],
    state: "alive",
    reason: "heard",
    heardMsAgo: 0,
    closedMsAgo: null,
    ...change,
  };
  return give({ type: "observation", from, observation });
}

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
    expect(now).toBeLessThanOrEqual(4_500);
    expect(seen.map(({ from, to, reason }) => [from, to, reason])).toEqual([
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
    expect(view.members.get("n1")?.reason).toBe("relayed");
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
    expect(seen.some(({ to }) => to === "down")).toBe(false);
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

  test("the same close seen by two servers is down within a second", () => {
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
    expect(seen.at(-1)).toMatchObject({ to: "down", reason: "refused" });
  });

  test("the only server needs no second witness", () => {
    view = createMembership({ self: "s1", servers: ["s1"], timing: defaultMembershipTiming }, now);
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
    expect(seen.some(({ to }) => to === "down")).toBe(false);
  });

  test("a member that another server goes on hearing is not down", () => {
    hello("n1");
    close();
    for (let round = 0; round < 20; round += 1) {
      pass(500);
      told("n1", { heardMsAgo: 100 });
    }
    expect(seen.some(({ to }) => to === "down")).toBe(false);
    expect(state("n1")).toBe("alive");
  });
});

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
    expect(seen.at(-1)).toMatchObject({ to: "left", accuser: "s2" });
  });

  test("a heartbeat of a stranger is refused", () => {
    expect(give({ type: "heartbeat", member: "x", incarnation: life }).refusal).toBe("unknown");
  });

  test("a newcomer beyond the bound takes the place of a member that is gone", () => {
    view = createMembership(
      { self: "s1", servers: ["s1"], timing: defaultMembershipTiming, maxMembers: 2 },
      now,
    );
    hello("n1");
    hello("n2");
    give({ type: "leave", member: "n1", incarnation: life });
    hello("n3");
    expect([...view.members.keys()]).toEqual(["n2", "n3"]);
  });

  test("newcomers beyond the bound are refused while all members live", () => {
    view = createMembership(
      { self: "s1", servers: ["s1"], timing: defaultMembershipTiming, maxMembers: 1 },
      now,
    );
    hello("n1");
    expect(hello("n2").refusal).toBe("full");
  });
});

describe("mass failure", () => {
  const agents = Array.from({ length: 12 }, (_, index) => `n${index}`);

  test("a quarter of the agents suspect together is held: nobody is down", () => {
    for (const agent of agents) hello(agent);
    const silent = agents.slice(0, 3);
    pass(20_000, agents.slice(3));
    expect(view.heldSince).not.toBeNull();
    expect(silent.map(state)).toEqual(["suspect", "suspect", "suspect"]);
  });

  test("fewer are judged one by one", () => {
    for (const agent of agents) hello(agent);
    pass(6_000, agents.slice(2));
    expect(view.heldSince).toBeNull();
    expect(agents.slice(0, 2).map(state)).toEqual(["down", "down"]);
  });

  test("members still silent when the hold is over are down", () => {
    for (const agent of agents) hello(agent);
    pass(40_000, agents.slice(3));
    expect(agents.slice(0, 3).map(state)).toEqual(["down", "down", "down"]);
    expect(view.heldSince).toBeNull();
  });

  test("when all come back the hold ends and nobody was down", () => {
    for (const agent of agents) hello(agent);
    pass(6_000);
    expect(view.heldSince).not.toBeNull();
    pass(2_000, agents);
    expect(view.heldSince).toBeNull();
    expect(seen.some(({ to }) => to === "down")).toBe(false);
  });
});

describe("the observer's own trouble", () => {
  test("an observer that did not run blames nobody for what it did not hear", () => {
    hello("n1");
    now += 30_000;
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
    while (now < 5_950) {
      now += tickMs;
      give({ type: "tick", loopLagMs: 300 });
    }
    expect(state("n1")).toBe("alive");
    now += tickMs;
    give({ type: "tick", loopLagMs: 300 });
    expect(state("n1")).toBe("suspect");
  });
});

test("a server shares ages of what it saw itself, and only of members it should see", () => {
  hello("n1");
  give({ type: "hello", member: "n2", role: "agent", incarnation: life, homes: ["s2", "s3"] });
  pass(200);
  give({ type: "close", member: "n1", incarnation: life });
  pass(100);
  expect(observations(view, now)).toMatchObject([
    { member: "n1", state: "suspect", reason: "close", heardMsAgo: 300, closedMsAgo: 100 },
  ]);
});

test("a server's homes are the other servers", () => {
  give({ type: "hello", member: "s2", role: "server", incarnation: life });
  expect(view.members.get("s2")?.homes).toEqual(["s1", "s3"]);
});
