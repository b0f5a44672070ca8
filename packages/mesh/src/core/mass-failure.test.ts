import { beforeEach, describe, expect, test } from "vitest";
import { hello, observer, pass, reset, state } from "../testing/lone-observer.ts";
import { countAgents } from "./mass-failure.ts";

beforeEach(reset);

describe("mass failure", () => {
  const agents = Array.from({ length: 12 }, (_, index) => `n${index}`);

  test("a quarter of the agents suspect together is held: nobody is down", () => {
    for (const agent of agents) hello(agent);
    const silent = agents.slice(0, 3);
    pass(20_000, agents.slice(3));
    expect(observer.view.heldSince).not.toBeNull();
    expect(silent.map(state)).toEqual(["suspect", "suspect", "suspect"]);
    expect(countAgents(observer.view.members.values())).toEqual({ agents: 12, suspects: 3 });
  });

  test("fewer are judged one by one", () => {
    for (const agent of agents) hello(agent);
    pass(6_000, agents.slice(2));
    expect(observer.view.heldSince).toBeNull();
    expect(agents.slice(0, 2).map(state)).toEqual(["down", "down"]);
  });

  test("members still silent when the hold is over are down", () => {
    for (const agent of agents) hello(agent);
    pass(40_000, agents.slice(3));
    expect(agents.slice(0, 3).map(state)).toEqual(["down", "down", "down"]);
    expect(observer.view.heldSince).toBeNull();
  });

  test("when all come back the hold ends and nobody was down", () => {
    for (const agent of agents) hello(agent);
    pass(6_000);
    expect(observer.view.heldSince).not.toBeNull();
    pass(2_000, agents);
    expect(observer.view.heldSince).toBeNull();
    expect(observer.seen.some(({ to }) => to === "down")).toBe(false);
  });
});
