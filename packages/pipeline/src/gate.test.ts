import { describe, expect, it } from "vitest";
import { createGate } from "./gate.ts";

const good = { rawScore: 90, triggers: [] };

describe("the pipeline's gate", () => {
  it("runs at first, and pauses at once with the triggers as reasons", () => {
    const gate = createGate();
    expect(gate.evaluate(good, 0)).toEqual({ state: "running", reasons: [] });
    expect(gate.evaluate({ rawScore: 90, triggers: ["error_burst_detected"] }, 1)).toEqual({
      state: "paused",
      reasons: ["error_burst_detected"],
    });
  });

  it("resumes once no trigger has held for 120 s, and not a second before", () => {
    const gate = createGate();
    gate.evaluate({ rawScore: 90, triggers: ["nodes_offline:50%"] }, 0);
    gate.evaluate(good, 10);
    expect(gate.evaluate(good, 129.9).state).toBe("paused");
    expect(gate.evaluate(good, 129.9).reasons[0]).toContain("nodes_offline:50%");
    expect(gate.evaluate(good, 130)).toEqual({ state: "running", reasons: [] });
  });

  it("starts the wait over when a trigger comes back", () => {
    const gate = createGate();
    gate.evaluate({ rawScore: 90, triggers: ["a"] }, 0);
    gate.evaluate(good, 10);
    gate.evaluate({ rawScore: 90, triggers: ["a"] }, 100);
    expect(gate.evaluate(good, 131).state).toBe("paused");
    expect(gate.evaluate(good, 251).state).toBe("running");
  });

  it("stays paused while the raw score is below 60 or unknown, however long it is quiet", () => {
    const gate = createGate();
    gate.evaluate({ rawScore: 10, triggers: ["health_score_critical:10"] }, 0);
    gate.evaluate({ rawScore: 59, triggers: [] }, 1);
    expect(gate.evaluate({ rawScore: 59, triggers: [] }, 1000)).toEqual({
      state: "paused",
      reasons: ["raw score 59 is below 60"],
    });
    expect(gate.evaluate({ rawScore: null, triggers: [] }, 1001).state).toBe("paused");
    expect(gate.evaluate({ rawScore: 60, triggers: [] }, 1002).state).toBe("running");
  });

  it("does not lengthen the pause when the clock is set back", () => {
    const gate = createGate();
    gate.evaluate({ rawScore: 90, triggers: ["a"] }, 10_000);
    gate.evaluate(good, 10_001);
    gate.evaluate(good, 100);
    expect(gate.evaluate(good, 220).state).toBe("running");
  });
});
