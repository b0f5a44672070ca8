import { describe, expect, it } from "vitest";
import { createStages, parseTrainerReport } from "./stages.ts";

const now = 1_700_000_000;

describe("a trainer's report", () => {
  it.each([
    ["step", { step: -1 }],
    ["loss", { loss: Number.NaN }],
    ["success", { success: "yes" }],
    ["newestDataAt", { newestDataAt: "2026-01-01" }],
    ["details", { details: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 1])) }],
    ["stepp", { stepp: 1 }],
    ["the whole report", {}],
    ["the whole report", null],
  ])("is refused naming %s", (field, value) => {
    expect(() => parseTrainerReport(value)).toThrow(
      expect.objectContaining({ code: "STAGE_REPORT_INVALID", message: expect.stringContaining(field) }),
    );
  });

  it("is refused when its data lies in the future, as milliseconds do", () => {
    const stages = createStages();
    expect(() => stages.record("training", { newestDataAt: now * 1000 }, now)).toThrow("newestDataAt");
    expect(() => stages.record("training", { newestDataAt: now + 301 }, now)).toThrow("newestDataAt");
    stages.record("training", { newestDataAt: now + 300 }, now);
    expect(stages.reports(now)[0]?.dataAgeSeconds).toBe(0);
  });

  it("ages from the moment at which a clock was set back", () => {
    const stages = createStages();
    stages.record("selfplay", { step: 1 }, now);
    stages.reports(now - 100_000);
    expect(stages.reports(now - 100_000 + 6 * 3600)[0]?.state).toBe("healthy");
    expect(stages.reports(now - 100_000 + 6 * 3600 + 1)[0]?.state).toBe("degraded");
  });
});
