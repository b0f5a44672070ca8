import { describe, expect, it } from "vitest";
import { HealthThresholds, thresholds } from "./thresholds.ts";

describe("the thresholds", () => {
  it("have the documented error rates, and the variable that sets the critical one", () => {
    expect(HealthThresholds.ERROR_RATE_WARNING).toBe(0.3);
    expect(HealthThresholds.ERROR_RATE_CRITICAL).toBe(0.5);
    expect(thresholds.ERROR_RATE_CRITICAL.env).toBe("RINGRIFT_ERROR_RATE_THRESHOLD");
  });

  it("each have a default inside its range and a variable of its own", () => {
    const all = Object.values(thresholds);
    for (const row of all) expect(row.default >= row.min && row.default <= row.max).toBe(true);
    expect(new Set(all.map((row) => row.env)).size).toBe(all.length);
  });
});
