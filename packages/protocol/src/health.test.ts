import { describe, expect, it } from "vitest";
import { HealthCheckResult, healthCheckResultSchema, worseStatus } from "./health.ts";

describe("a health check's result", () => {
  it("has an empty message, empty details and the present time unless told otherwise", () => {
    const before = Date.now() / 1000;
    const result = new HealthCheckResult({ status: "healthy" });
    expect(result).toMatchObject({ message: "", details: {} });
    expect(result.timestamp).toBeGreaterThanOrEqual(before);
    expect(healthCheckResultSchema.safeParse(JSON.parse(JSON.stringify(result))).success).toBe(true);
  });

  it("is healthy only when its status is healthy", () => {
    expect(new HealthCheckResult({ status: "healthy" }).isHealthy).toBe(true);
    expect(new HealthCheckResult({ status: "degraded" }).isHealthy).toBe(false);
    expect(new HealthCheckResult({ status: "unhealthy" }).isHealthy).toBe(false);
  });

  it("of a throwing check is unhealthy with the check error in its details", () => {
    expect(HealthCheckResult.checkError(new Error("no route"), 5)).toMatchObject({
      status: "unhealthy",
      message: "check error: no route",
      details: { checkError: "no route" },
      timestamp: 5,
    });
  });
});

describe("the worse of two statuses", () => {
  it("is found whatever their order", () => {
    expect(worseStatus("healthy", "degraded")).toBe("degraded");
    expect(worseStatus("unhealthy", "degraded")).toBe("unhealthy");
    expect(worseStatus("healthy", "healthy")).toBe("healthy");
  });
});
