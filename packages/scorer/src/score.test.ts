import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { levelOf, type SystemInputs, scoreSystem } from "./score.ts";

const perfect: SystemInputs = {
  nodes: { online: 4, expected: 4 },
  circuits: [],
  recentErrors: 0,
  recoveries: { succeeded: 0, finished: 0 },
  quorumHeld: true,
};
const circuit = (name: string, state: "closed" | "half_open" | "open", critical = false) => ({
  name,
  state,
  critical,
});

interface Row {
  readonly says: string;
  readonly inputs: Partial<SystemInputs>;
  readonly raw: number | null;
  readonly score: number | null;
  readonly level: string;
  readonly triggers?: readonly string[];
  readonly partial?: boolean;
}

const table: readonly Row[] = [
  { says: "all well", inputs: {}, raw: 100, score: 100, level: "HEALTHY" },
  {
    says: "more online than expected is 100 and not more",
    inputs: { nodes: { online: 9, expected: 4 } },
    raw: 100,
    score: 100,
    level: "HEALTHY",
  },
  {
    says: "a quarter offline",
    inputs: { nodes: { online: 3, expected: 4 } },
    raw: 90,
    score: 90,
    level: "HEALTHY",
  },
  {
    says: "half offline pauses and caps",
    inputs: { nodes: { online: 2, expected: 4 } },
    raw: 80,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["nodes_offline:50%"],
  },
  {
    says: "just under half offline does not",
    inputs: { nodes: { online: 51, expected: 100 } },
    raw: 80,
    score: 80,
    level: "HEALTHY",
  },
  {
    says: "two thirds offline is 67 %",
    inputs: { nodes: { online: 1, expected: 3 } },
    raw: 73,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["nodes_offline:67%"],
  },
  {
    says: "every node offline",
    inputs: { nodes: { online: 0, expected: 4 } },
    raw: 60,
    score: 39,
    level: "CRITICAL",
    triggers: ["nodes_offline:100%"],
  },
  {
    says: "no node expected is unknown",
    inputs: { nodes: { online: 0, expected: 0 } },
    raw: 100,
    score: 100,
    level: "HEALTHY",
    partial: true,
  },
  { says: "quorum lost", inputs: { quorumHeld: false }, raw: 100, score: 39, level: "CRITICAL" },
  { says: "no quorum needed", inputs: { quorumHeld: null }, raw: 100, score: 100, level: "HEALTHY" },
  { says: "stale data", inputs: { fresh: false }, raw: 100, score: 59, level: "UNHEALTHY" },
  {
    says: "the lowest cap wins",
    inputs: { fresh: false, quorumHeld: false },
    raw: 100,
    score: 39,
    level: "CRITICAL",
  },
  {
    says: "half-open counts as not open",
    inputs: { circuits: [circuit("a", "half_open"), circuit("b", "closed")] },
    raw: 100,
    score: 100,
    level: "HEALTHY",
  },
  {
    says: "an open circuit of four",
    inputs: {
      circuits: [
        circuit("a", "open"),
        circuit("b", "closed"),
        circuit("c", "closed"),
        circuit("d", "closed"),
      ],
    },
    raw: 93,
    score: 93,
    level: "HEALTHY",
  },
  {
    says: "an open critical circuit of four costs 20 more",
    inputs: {
      circuits: [
        circuit("a", "open", true),
        circuit("b", "closed"),
        circuit("c", "closed"),
        circuit("d", "closed"),
      ],
    },
    raw: 88,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["critical_circuit_open:a"],
  },
  {
    says: "a critical half-open circuit triggers nothing",
    inputs: { circuits: [circuit("a", "half_open", true)] },
    raw: 100,
    score: 100,
    level: "HEALTHY",
  },
  {
    says: "circuits do not fall below 0",
    inputs: { circuits: [circuit("a", "open", true), circuit("b", "open", true)] },
    raw: 75,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["critical_circuit_open:a", "critical_circuit_open:b"],
  },
  { says: "nine errors are no burst", inputs: { recentErrors: 9 }, raw: 82, score: 82, level: "HEALTHY" },
  {
    says: "ten errors are a burst",
    inputs: { recentErrors: 10 },
    raw: 80,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["error_burst_detected"],
  },
  {
    says: "more errors than a burst cost no more",
    inputs: { recentErrors: 1000 },
    raw: 80,
    score: 59,
    level: "UNHEALTHY",
    triggers: ["error_burst_detected"],
  },
  {
    says: "one recovery of three",
    inputs: { recoveries: { succeeded: 1, finished: 3 } },
    raw: 90,
    score: 90,
    level: "HEALTHY",
  },
  {
    says: "an unknown component is left out",
    inputs: { recoveries: null, nodes: { online: 1, expected: 1 }, recentErrors: 5 },
    raw: 88,
    score: 88,
    level: "HEALTHY",
    partial: true,
  },
  {
    says: "one known component carries all",
    inputs: { nodes: null, circuits: null, recoveries: null, recentErrors: 3 },
    raw: 70,
    score: 70,
    level: "DEGRADED",
    partial: true,
  },
  {
    says: "nothing known has no score",
    inputs: { nodes: null, circuits: null, recoveries: null, recentErrors: null },
    raw: null,
    score: null,
    level: "UNKNOWN",
    partial: true,
  },
  {
    says: "nothing known stays unknown under a cap",
    inputs: {
      nodes: null,
      circuits: null,
      recoveries: null,
      recentErrors: null,
      quorumHeld: false,
      fresh: false,
    },
    raw: null,
    score: null,
    level: "UNKNOWN",
    partial: true,
  },
  {
    says: "everything bad",
    inputs: {
      nodes: { online: 0, expected: 2 },
      circuits: [circuit("training", "open", true)],
      recentErrors: 99,
      recoveries: { succeeded: 0, finished: 1 },
      quorumHeld: false,
      fresh: false,
    },
    raw: 0,
    score: 0,
    level: "CRITICAL",
    triggers: [
      "health_score_critical:0",
      "nodes_offline:100%",
      "critical_circuit_open:training",
      "error_burst_detected",
    ],
  },
];

describe("the system's score", () => {
  it.each(table)("$says", ({ inputs, raw, score, level, triggers, partial }) => {
    const result = scoreSystem({ ...perfect, ...inputs });
    expect(result).toMatchObject({
      rawScore: raw,
      score,
      level,
      partial: partial ?? false,
      pauseTriggers: triggers ?? [],
    });
  });

  it("names each cap with its reason", () => {
    const { caps } = scoreSystem({
      ...perfect,
      nodes: { online: 0, expected: 1 },
      quorumHeld: false,
      fresh: false,
    });
    expect(caps).toEqual([
      { cap: 39, reason: "quorum lost" },
      { cap: 39, reason: "every node is offline" },
      { cap: 59, reason: "pause: nodes_offline:100%" },
      { cap: 59, reason: "no fresh data" },
    ]);
  });

  it("gives each component its score, weight, whether it is known, and a detail", () => {
    expect(scoreSystem({ ...perfect, recoveries: null }).components).toEqual({
      nodeAvailability: { score: 100, weight: 0.4, known: true, detail: "4 of 4 nodes online" },
      circuitHealth: { score: 100, weight: 0.25, known: true, detail: "no circuits" },
      errorRate: { score: 100, weight: 0.2, known: true, detail: "0 recent errors, 10 are a burst" },
      recovery: { score: null, weight: 0.15, known: false, detail: "recoveries are not known" },
    });
  });

  it("puts each bound into the better level", () => {
    expect([80, 79, 60, 59, 40, 39, 0, null].map((score) => levelOf(score))).toEqual([
      "HEALTHY",
      "DEGRADED",
      "DEGRADED",
      "UNHEALTHY",
      "UNHEALTHY",
      "CRITICAL",
      "CRITICAL",
      "UNKNOWN",
    ]);
  });

  it("takes some thresholds and keeps the defaults of the rest", () => {
    const result = scoreSystem({ ...perfect, recentErrors: 10 }, { ERROR_BURST: 20, SCORE_HEALTHY: 95 });
    expect(result).toMatchObject({ rawScore: 90, level: "DEGRADED", pauseTriggers: [] });
  });

  it("truncates the true mean, not its binary shadow", () => {
    for (let expected = 1; expected <= 60; expected += 1) {
      for (let online = 0; online <= expected; online += 1) {
        // 100 * (0.4 * online / expected + 0.6), in whole numbers.
        const exact = Math.floor((40 * online + 60 * expected) / expected);
        expect(scoreSystem({ ...perfect, nodes: { online, expected } }).rawScore).toBe(exact);
      }
    }
  });

  it.each([
    ["nodes.online", { nodes: { online: -1, expected: 4 } }],
    ["nodes.expected", { nodes: { online: 1, expected: 1.5 } }],
    ["nodes.expected", { nodes: { online: 1, expected: Number.POSITIVE_INFINITY } }],
    ["recentErrors", { recentErrors: Number.NaN }],
    ["recoveries.succeeded", { recoveries: { succeeded: 2, finished: 1 } }],
    ["recoveries.finished", { recoveries: { succeeded: 0, finished: 0.5 } }],
  ])("refuses a bad %s by name", (field, inputs) => {
    expect(() => scoreSystem({ ...perfect, ...inputs })).toThrow(
      expect.objectContaining({ code: "SCORE_INPUT_INVALID", message: expect.stringContaining(field) }),
    );
  });

  it("refuses what a program without types may give: missing fields and unknown circuit states", () => {
    const without = JSON.parse('{"nodes":null,"circuits":null,"recoveries":null,"quorumHeld":null}');
    expect(() => scoreSystem(without)).toThrow("recentErrors is missing");
    const odd = JSON.parse('[{"name":"a","state":"ajar","critical":false}]');
    expect(() => scoreSystem({ ...perfect, circuits: odd })).toThrow("circuits[0].state is ajar");
  });
});

const anyInputs = fc
  .record({
    nodes: fc.option(fc.record({ online: fc.nat(300), expected: fc.nat(300) })),
    circuits: fc.option(
      fc.array(
        fc.record({
          name: fc.constantFrom("training", "sync"),
          state: fc.constantFrom("closed" as const, "half_open" as const, "open" as const),
          critical: fc.boolean(),
        }),
        { maxLength: 12 },
      ),
    ),
    recentErrors: fc.option(fc.nat(30)),
    recoveries: fc.option(fc.tuple(fc.nat(20), fc.nat(20))),
    quorumHeld: fc.option(fc.boolean()),
    fresh: fc.boolean(),
  })
  .map(({ recoveries, ...rest }) => ({
    ...rest,
    recoveries:
      recoveries === null ? null : { succeeded: Math.min(...recoveries), finished: Math.max(...recoveries) },
  }));

describe("any score", () => {
  it("is a whole number from 0 to 100, or null exactly when nothing is known", () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { score, rawScore, components, level } = scoreSystem(inputs);
        const known = Object.values(components).some((component) => component.known);
        expect(score !== null).toBe(known);
        expect(level === "UNKNOWN").toBe(!known);
        if (score === null || rawScore === null) return;
        expect(Number.isInteger(score) && score >= 0 && score <= rawScore && rawScore <= 100).toBe(true);
      }),
    );
  });

  it("is never HEALTHY or DEGRADED under a cap, nor above any cap", () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { score, caps, level } = scoreSystem(inputs);
        if (caps.length === 0 || score === null) return;
        expect(["UNHEALTHY", "CRITICAL"]).toContain(level);
        for (const { cap } of caps) expect(score).toBeLessThanOrEqual(cap);
      }),
    );
  });

  it("does not rise when an error is added or a node goes offline", () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const before = scoreSystem(inputs).score;
        if (before === null) return;
        const { nodes, recentErrors } = inputs;
        if (recentErrors !== null)
          expect(scoreSystem({ ...inputs, recentErrors: recentErrors + 1 }).score).toBeLessThanOrEqual(
            before,
          );
        if (nodes !== null && nodes.online > 0)
          expect(
            scoreSystem({ ...inputs, nodes: { ...nodes, online: nodes.online - 1 } }).score,
          ).toBeLessThanOrEqual(before);
      }),
    );
  });
});
