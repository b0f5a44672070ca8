import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadStages, saveStages } from "./stage-store.ts";
import { createStages, trainerReportSchema } from "./stages.ts";

const hour = 3600;

describe("a stage", () => {
  it("is overdue strictly past its limit since its step last advanced", () => {
    const stages = createStages();
    stages.record("training", { step: 1 }, 0);
    stages.record("training", { step: 1 }, 10 * hour);
    expect(stages.reports(24 * hour)[0]?.state).toBe("healthy");
    expect(stages.reports(24 * hour + 1)[0]).toMatchObject({ state: "degraded", limitSeconds: 24 * hour });
    stages.record("training", { step: 2 }, 25 * hour);
    expect(stages.state(25 * hour)).toBe("healthy");
  });

  it("is overdue when its data is old by the content's time, though reports keep coming", () => {
    const stages = createStages();
    stages.record("data_sync", { success: true, newestDataAt: 0 }, 9 * hour);
    expect(stages.reports(9 * hour)[0]?.reason).toContain("newest data 9.0 h ago");
  });

  it("is unknown while its reports carry no signal, and overdue once that lasted past the limit", () => {
    const stages = createStages();
    stages.record("selfplay", { state: "warming up" }, 0);
    expect(stages.state(1)).toBe("healthy");
    expect(stages.reports(1)[0]?.state).toBe("unknown");
    expect(stages.reports(7 * hour)[0]?.state).toBe("degraded");
  });

  it("does not count a failure as success", () => {
    const stages = createStages();
    stages.record("evaluation", { success: false }, 0);
    expect(stages.reports(1)[0]?.successAgeSeconds).toBeNull();
  });

  it("that nobody defined is refused, naming those that are", () => {
    expect(() => createStages().record("trainnig", { step: 1 }, 0)).toThrow(/"trainnig".*training/);
  });
});

describe("the pipeline", () => {
  it("is unknown without any report, degraded with one stage overdue, unhealthy with two", () => {
    const stages = createStages();
    expect(stages.state(0)).toBe("unknown");
    stages.record("selfplay", { step: 1 }, 0);
    stages.record("data_sync", { success: true }, 0);
    expect(stages.state(7 * hour)).toBe("degraded");
    expect(stages.state(9 * hour)).toBe("unhealthy");
  });
});

describe("a trainer's report", () => {
  it("is refused when a field is unknown or of another type, or when it is empty", () => {
    expect(trainerReportSchema.safeParse({ step: 5, loss: 0.1 }).success).toBe(true);
    expect(trainerReportSchema.safeParse({ step: "5" }).success).toBe(false);
    expect(trainerReportSchema.safeParse({ stpe: 5 }).success).toBe(false);
    expect(trainerReportSchema.safeParse({}).success).toBe(false);
  });
});

describe("the stage file", () => {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-stages-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it("keeps ages over a restart", () => {
    const path = join(directory, "deep", "stages.json");
    const before = createStages();
    before.record("training", { step: 7 }, 100);
    saveStages(path, before.memory());
    const after = createStages(undefined, loadStages(path));
    after.record("training", { step: 7 }, 200);
    expect(after.reports(300)[0]?.progressAgeSeconds).toBe(200);
  });

  it("is empty when there is none, and an error when it is damaged", () => {
    expect(loadStages(join(directory, "none.json"))).toEqual({});
    const path = join(directory, "bad.json");
    writeFileSync(path, '{"version":1,"sta');
    expect(() => loadStages(path)).toThrow(/bad\.json cannot be read/);
    writeFileSync(path, '{"version":1,"stages":{"training":{"step":"x"}}}');
    expect(() => loadStages(path)).toThrow(/stages\.training/);
  });
});
