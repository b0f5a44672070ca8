import type { LinkState } from "@ringrift/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import type { Epoch } from "./epoch.ts";
import type { Observation } from "./membership.ts";
import { type ClusterMember, createVerdict, decide, type Standing, type Verdict } from "./verdict.ts";

const servers = ["s1", "s2", "s3"];
let verdict: Verdict;
let now = 0;
beforeEach(() => {
  verdict = createVerdict({ self: "s1", servers });
  now = 0;
});

function says(from: string, state: LinkState, change: Partial<Observation> = {}): ClusterMember[] {
  const observation: Observation = {
    member: "n1",
    role: "agent",
    incarnation: { boot: 1, counter: 0 },
    homes: servers,
    state,
    reason: state === "alive" ? "heard" : "silence",
    heardMsAgo: 0,
    closedMsAgo: null,
    ...change,
  };
  return decide(verdict, { type: "view", from, observations: [observation] }, now);
}

const epochOf = (term: number): Epoch => ({ generation: 1, term });

function stand(standing: Standing, term = 1): ClusterMember[] {
  return decide(verdict, { type: "standing", standing, epoch: epochOf(term) }, now);
}

const state = (): LinkState | undefined => verdict.members.get("n1")?.state;

describe("down", () => {
  test("needs a majority of the servers that should see the member", () => {
    stand("leader");
    says("s1", "down");
    says("s3", "suspect");
    expect(state()).toBe("suspect");
    expect(says("s2", "down")).toMatchObject([{ member: "n1", state: "down", accusers: ["s1", "s2"] }]);
  });

  test("is declared by nobody but a leader", () => {
    for (const server of servers) says(server, "down");
    expect(state()).toBe("suspect");
    expect(stand("leader")).toMatchObject([{ state: "down" }]);
  });

  test("does not rest on servers that the member does not dial", () => {
    verdict = createVerdict({ self: "s1", servers: ["s1", "s2", "s3", "s4", "s5"] });
    stand("leader");
    const homes = ["s1", "s2", "s3"];
    says("s1", "alive", { homes });
    for (const server of ["s4", "s5"]) says(server, "down", { homes });
    says("s2", "down", { homes });
    expect(state()).toBe("alive");
    says("s3", "down", { homes });
    expect(state()).toBe("down");
  });

  test("does not rest on a view that is out of date", () => {
    stand("leader");
    says("s2", "down");
    now = 3_001;
    says("s1", "down");
    expect(state()).toBe("suspect");
  });

  test("stands while no leader is known, and ends when a server hears the member", () => {
    stand("leader");
    for (const server of servers) says(server, "down");
    stand("leaderless");
    now = 60_000;
    decide(verdict, { type: "tick" }, now);
    expect(state()).toBe("down");
    for (const server of servers) says(server, "alive");
    expect(state()).toBe("alive");
  });

  test("is the word of the one server where there is one", () => {
    verdict = createVerdict({ self: "s1", servers: ["s1"] });
    stand("leader");
    says("s1", "down", { homes: ["s1"] });
    expect(state()).toBe("down");
  });
});

describe("followers", () => {
  const down: ClusterMember = {
    member: "n1",
    role: "agent",
    incarnation: { boot: 1, counter: 0 },
    state: "down",
    reason: "close",
    accusers: ["s2", "s3"],
  };

  test("adopt the leader's list whatever they see themselves", () => {
    says("s1", "alive");
    expect(decide(verdict, { type: "adopt", epoch: epochOf(4), members: [down] }, now)).toEqual([down]);
    says("s1", "alive");
    expect(state()).toBe("down");
  });

  test("refuse the list of an earlier leader", () => {
    says("s1", "alive");
    decide(verdict, { type: "adopt", epoch: epochOf(4), members: [] }, now);
    expect(decide(verdict, { type: "adopt", epoch: epochOf(3), members: [down] }, now)).toEqual([]);
    expect(state()).toBe("alive");
  });

  test("keep what they know of a newer life", () => {
    says("s1", "alive", { incarnation: { boot: 2, counter: 0 } });
    decide(verdict, { type: "adopt", epoch: epochOf(4), members: [down] }, now);
    expect(state()).toBe("alive");
  });
});

test("left counts at once, from any server that should see the member, and stays", () => {
  says("s1", "alive");
  expect(says("s2", "left", { reason: "leave" })).toMatchObject([{ state: "left" }]);
  says("s3", "alive");
  expect(state()).toBe("left");
});

test("a restarted member is judged by views of its new life alone", () => {
  stand("leader");
  for (const server of servers) says(server, "down");
  says("s2", "alive", { incarnation: { boot: 2, counter: 0 } });
  expect(state()).toBe("alive");
});

test("the list is bounded: who is gone makes room, and newcomers wait while all live", () => {
  verdict = createVerdict({ self: "s1", servers, maxMembers: 2 });
  says("s1", "alive", { member: "n1" });
  says("s1", "alive", { member: "n2" });
  says("s1", "alive", { member: "n3" });
  expect([...verdict.members.keys()]).toEqual(["n1", "n2"]);
  says("s1", "left", { member: "n1" });
  says("s1", "alive", { member: "n3" });
  expect([...verdict.members.keys()]).toEqual(["n2", "n3"]);
});

test("views of unknown servers are ignored", () => {
  stand("leader");
  expect(says("stranger", "left")).toEqual([]);
  expect(state()).toBeUndefined();
});
