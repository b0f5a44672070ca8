import { describe, expect, it } from "vitest";
import { type CheckReport, checkReportSchema, toHealthCheckResult, worstSignal } from "./check-report.ts";

const report: CheckReport = {
  check: "disk",
  state: "healthy",
  reason: "",
  details: {},
  readings: [],
  observedAt: 10,
  durationSeconds: 0.1,
};

describe("the worst of several signals", () => {
  it("puts unknown above healthy, and is unknown of none", () => {
    expect(worstSignal([])).toBe("unknown");
    expect(worstSignal(["healthy", "unknown", "not_applicable"])).toBe("unknown");
    expect(worstSignal(["degraded", "unknown", "healthy"])).toBe("degraded");
    expect(worstSignal(["not_applicable"])).toBe("not_applicable");
  });
});

describe("a check's report", () => {
  it("of an unknown signal is unhealthy with a check error, never healthy", () => {
    const result = toHealthCheckResult({ ...report, state: "unknown", reason: "timed out" });
    expect(result).toMatchObject({
      status: "unhealthy",
      details: { checkError: "timed out" },
      timestamp: 10,
    });
  });

  it("of a thing that does not exist here says so in the details", () => {
    expect(toHealthCheckResult({ ...report, state: "not_applicable" }).details).toEqual({
      notApplicable: true,
    });
  });

  it("is refused with a value that is not a number or a name that is no metric's", () => {
    const reading = { name: "disk_free_bytes", labels: {}, source: "statfs", observedAt: 1, value: 3 };
    const parse = (change: object) =>
      checkReportSchema.safeParse({ ...report, readings: [{ ...reading, ...change }] }).success;
    expect(parse({})).toBe(true);
    expect(parse({ value: null, absence: "unknown" })).toBe(true);
    expect(parse({ value: Number.NaN })).toBe(false);
    expect(parse({ name: "Disk Free" })).toBe(false);
  });
});
