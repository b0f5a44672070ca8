import { describe, expect, it } from "vitest";
import { nodeReportSchema } from "./node-report.ts";

const report = { full: true, seq: 1, sentAt: 5, version: "0.1.0", startedAt: 1, checks: [] };

describe("a node's report", () => {
  it("tells unknown GPUs from none and from untold", () => {
    expect(nodeReportSchema.parse({ ...report, gpus: null }).gpus).toBeNull();
    expect(nodeReportSchema.parse({ ...report, gpus: [] }).gpus).toEqual([]);
    expect(nodeReportSchema.parse(report).gpus).toBeUndefined();
  });

  it("is refused with a ratio above 1 or a negative number", () => {
    const resources = {
      cpuCores: 8,
      cpuUtilizationRatio: 1,
      memoryUsedRatio: null,
      gpuUtilizationRatio: null,
    };
    expect(nodeReportSchema.safeParse({ ...report, resources }).success).toBe(true);
    const percent = { ...resources, cpuUtilizationRatio: 40 };
    expect(nodeReportSchema.safeParse({ ...report, resources: percent }).success).toBe(false);
    expect(nodeReportSchema.safeParse({ ...report, seq: -1 }).success).toBe(false);
  });
});
