import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DaemonDefinition, Dependency } from "../definition/definition.ts";
import { DaemonPlan, type PeerFacts } from "./daemon-plan.ts";

type Member = Pick<DaemonDefinition, "name" | "group" | "dependsOn" | "exits">;

const member = (
  name: string,
  dependsOn: readonly Partial<Dependency>[] = [],
  group: Member["group"] = null,
  mode: "always" | "never" = "always",
): Member => ({
  name,
  group,
  dependsOn: dependsOn.map((one) => ({ name: "", condition: "ready", whenLost: "keep", ...one })),
  exits: { mode, success: [0], prevent: [], force: [] },
});

const facts = (changes: Partial<PeerFacts> = {}): PeerFacts => ({
  state: "initializing",
  started: false,
  ready: false,
  completed: false,
  ...changes,
});

describe("what a daemon waits for", () => {
  const plan = new DaemonPlan([
    member("a"),
    member("b", [{ name: "a", condition: "started" }]),
    member("c", [{ name: "a", condition: "ready" }]),
    member("d", [{ name: "a", condition: "completed" }]),
  ]);
  const waits = (peer: PeerFacts): string[] =>
    ["b", "c", "d"].flatMap((name) => plan.unmet(name, () => peer));

  it("is met by its condition and by nothing less", () => {
    expect(waits(facts())).toEqual(["a to start", "a to be ready", "a to complete"]);
    expect(waits(facts({ state: "starting", started: true }))).toEqual(["a to be ready", "a to complete"]);
    expect(waits(facts({ state: "running", started: true, ready: true }))).toEqual(["a to complete"]);
    expect(waits(facts({ state: "completed", completed: true }))).toEqual([]);
  });

  it("is told to be hopeless when the other is down for good", () => {
    expect(plan.unmet("c", () => facts({ state: "start_refused" }))).toEqual([
      "a to be ready (it is start_refused)",
    ]);
    expect(plan.unmet("c", () => undefined)).toEqual(["a to be ready"]);
  });

  it("includes those of its group that must be down before it starts again", () => {
    const group = { name: "g", strategy: "one_for_all" } as const;
    const grouped = new DaemonPlan([member("a", [], group), member("b", [], group)]);
    const state = (name: string): PeerFacts => facts({ state: name === "b" ? "stopping" : "restarting" });
    expect(grouped.unmet("a", state)).toEqual(["b to end"]);
  });
});

describe("who is lost with a daemon", () => {
  it("is found by walking from loss to loss, whatever the graph", () => {
    const reactions = ["keep", "restart", "stop"] as const;
    const edge = fc.record({ to: fc.nat(), whenLost: fc.constantFrom(...reactions) });
    const strategies = ["one_for_one", "one_for_all", "rest_for_one"] as const;
    const one = fc.record({
      edges: fc.array(edge, { maxLength: 3 }),
      grouped: fc.boolean(),
      never: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 10 }),
        fc.constantFrom(...strategies),
        fc.nat(),
        fc.boolean(),
        (drawn, strategy, pick, isRestarted) => {
          // Each depends only on earlier ones, so there is no cycle.
          const members = drawn.map(({ edges, grouped, never }, i) =>
            member(
              `d${i}`,
              i === 0
                ? []
                : [
                    ...new Map(
                      edges.map(({ to, whenLost }) => [to % i, { name: `d${to % i}`, whenLost }]),
                    ).values(),
                  ],
              grouped ? { name: "g", strategy } : null,
              never ? "never" : "always",
            ),
          );
          const at = pick % members.length;
          const losses = new DaemonPlan(members).lossesOf(`d${at}`, isRestarted);
          expect(new Map(losses.map(({ name, reaction }) => [name, reaction]))).toEqual(
            lossModel(members, at, isRestarted),
          );
        },
      ),
    );
  });
});

/** The same, written as a search for a fixed point over all pairs. */
function lossModel(members: readonly Member[], at: number, isRestarted: boolean): Map<string, string> {
  const lost = isRestarted ? groupLosses(members, at) : new Map<string, string>();
  for (let before = -1; before < lost.size; ) {
    before = lost.size;
    for (const other of members) {
      const asks = reactionsOf(other, at, lost);
      if (asks.length > 0 && !lost.has(other.name)) lost.set(other.name, "restart");
    }
  }
  for (const other of members) {
    if (lost.has(other.name) && reactionsOf(other, at, lost).includes("stop")) lost.set(other.name, "stop");
  }
  return lost;
}

function reactionsOf(other: Member, at: number, lost: ReadonlyMap<string, string>): string[] {
  if (other.name === `d${at}`) return [];
  return other.dependsOn
    .filter(({ name, whenLost }) => whenLost !== "keep" && (name === `d${at}` || lost.has(name)))
    .map(({ whenLost }) => whenLost);
}

function groupLosses(members: readonly Member[], at: number): Map<string, string> {
  const group = members[at]?.group;
  const falls = (other: Member, i: number): boolean =>
    i !== at &&
    other.group !== null &&
    (group?.strategy === "one_for_all" || (group?.strategy === "rest_for_one" && i > at));
  return new Map(
    members.filter(falls).map(({ name, exits }) => [name, exits.mode === "never" ? "stop" : "restart"]),
  );
}
