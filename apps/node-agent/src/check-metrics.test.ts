import { writeExposition } from "@ringrift/metrics";
import { expect, it } from "vitest";
import { createCheckMetrics } from "./check-metrics.ts";

it("counts runs by duration and failures from the first run on", () => {
  const metrics = createCheckMetrics();
  const report = { check: "cpu", reason: "", details: {}, readings: [], observedAt: 0 };
  metrics.observe({ ...report, state: "healthy", durationSeconds: 0.0005 });
  metrics.observe({ ...report, state: "degraded", durationSeconds: 0.05 });
  expect(writeExposition(metrics.families(), "text")).toContain('_failures_total{check="cpu"} 0\n');
  metrics.observe({ ...report, state: "unknown", durationSeconds: 20 });
  const text = writeExposition(metrics.families(), "text");
  expect(text).toContain('_bucket{check="cpu",le="0.001"} 1\n');
  expect(text).toContain('_bucket{check="cpu",le="0.1"} 2\n');
  expect(text).toContain('_bucket{check="cpu",le="10"} 2\n');
  expect(text).toContain('_bucket{check="cpu",le="+Inf"} 3\n');
  expect(text).toContain('_count{check="cpu"} 3\n');
  expect(text).toContain('_failures_total{check="cpu"} 1\n');
});
