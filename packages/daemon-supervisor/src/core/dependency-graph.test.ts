import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCycle, findCycles, startOrder } from "./dependency-graph.ts";

const node = (name: string, ...dependsOn: string[]): { name: string; dependsOn: string[] } => ({
  name,
  dependsOn,
});

describe("the dependency graph", () => {
  it("starts dependencies first and stops them last", () => {
    const nodes = [node("web", "api"), node("api", "db", "cache"), node("db"), node("cache", "db")];
    expect(startOrder(nodes)).toEqual(["db", "cache", "api", "web"]);
    expect(findCycle(nodes)).toBe(null);
  });

  it("names a cycle in full and without what only leads to it", () => {
    expect(findCycle([node("x", "a"), node("a", "b"), node("b", "c"), node("c", "a")])).toEqual([
      "a",
      "b",
      "c",
      "a",
    ]);
    expect(findCycle([node("self", "self")])).toEqual(["self", "self"]);
  });

  it("names every cycle, not only the first", () => {
    const nodes = [node("a", "b"), node("b", "a"), node("c", "d"), node("d", "c"), node("e", "a")];
    expect(findCycles(nodes)).toEqual([
      ["a", "b", "a"],
      ["c", "d", "c"],
    ]);
    expect(findCycles([node("a"), node("b", "a")])).toEqual([]);
  });

  it("walks a chain of ten thousand", () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => node(`n${i}`, `n${i + 1}`));
    expect(findCycle(chain)).toBe(null);
  });

  it("finds a cycle exactly when no full order exists, and orders every graph without one", () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((size) =>
        fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }),
      );
    fc.assert(
      fc.property(graph, (edges) => {
        const nodes = edges.map((targets, i) => node(`n${i}`, ...targets.map((target) => `n${target}`)));
        const order = startOrder(nodes);
        const cycle = findCycle(nodes);
        expect(cycle === null).toBe(order.length === nodes.length);
        const place = (name: string): number => order.indexOf(name);
        for (const { name, dependsOn } of nodes) {
          if (place(name) >= 0) for (const on of dependsOn) expect(place(on)).toBeLessThan(place(name));
        }
        for (const [i, name] of (cycle ?? []).slice(0, -1).entries()) {
          expect(nodes.find((one) => one.name === name)?.dependsOn).toContain(cycle?.[i + 1]);
        }
      }),
    );
  });
});
