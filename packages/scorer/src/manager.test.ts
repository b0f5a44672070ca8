import { describe, expect, it } from "vitest";
import { explainScore } from "./explain.ts";
import { getSystemHealthLevel, getSystemHealthScore, UnifiedHealthManager } from "./manager.ts";
import { type SystemInputs, scoreSystem } from "./score.ts";

const inputs: SystemInputs = {
  nodes: { online: 1, expected: 2 },
  circuits: [],
  recentErrors: 0,
  recoveries: null,
  quorumHeld: true,
};
const nothing: SystemInputs = {
  nodes: null,
  circuits: null,
  recentErrors: null,
  recoveries: null,
  quorumHeld: null,
};

describe("the unified health manager", () => {
  it("reads live data anew each time it is asked", () => {
    let current = inputs;
    const manager = new UnifiedHealthManager({ read: () => current });
    expect(manager.getSystemHealthScore()).toBe(59);
    expect(manager.getSystemHealthLevel()).toBe("UNHEALTHY");
    current = nothing;
    expect(manager.getSystemHealthScore()).toBeNull();
    expect(manager.getSystemHealthLevel()).toBe("UNKNOWN");
  });

  it("applies its thresholds and tells reasons: binding caps first, then what costs points or is unknown", () => {
    const manager = new UnifiedHealthManager({
      read: () => inputs,
      thresholds: { PAUSE_OFFLINE_RATIO: 0.9 },
    });
    expect(manager.getSystemHealth()).toMatchObject({ score: 76, level: "DEGRADED" });
    expect(new UnifiedHealthManager({ read: () => inputs }).getSystemHealth().reasons).toEqual([
      "pause: nodes_offline:50%: at most 59",
      "1 of 2 nodes online",
      "unknown: recoveries are not known",
    ]);
  });
});

describe("the functions without a manager", () => {
  it("score and judge inputs given by the caller", () => {
    expect(getSystemHealthScore(inputs)).toBe(59);
    expect(getSystemHealthLevel(inputs, { SCORE_UNHEALTHY: 60 })).toBe("CRITICAL");
  });
});

describe("an explanation", () => {
  it("tells the verdict, each component and each cap, a line each", () => {
    expect(explainScore(scoreSystem(inputs)).split("\n")).toEqual([
      "Score 59 of 100, UNHEALTHY (the mean of the components is 76, a cap lowers it). Components that are not known are left out of the mean.",
      "  nodes: 50 of 100, weight 40 % (1 of 2 nodes online)",
      "  circuits: 100 of 100, weight 25 % (no circuits)",
      "  errors: 100 of 100, weight 20 % (0 recent errors, 10 are a burst)",
      "  recovery: unknown, weight 15 % (recoveries are not known)",
      "  at most 59: pause: nodes_offline:50%",
    ]);
  });

  it("says that there is no score when nothing is known", () => {
    expect(explainScore(scoreSystem(nothing))).toContain("No score, UNKNOWN");
  });
});
