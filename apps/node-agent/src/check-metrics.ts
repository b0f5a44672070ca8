import type { CheckReport } from "@ringrift/protocol";
import { Counter, Histogram, Registry } from "prom-client";

/** Counts of the agent's own checks. */
export interface CheckMetrics {
  readonly registry: Registry;
  observe(report: CheckReport): void;
}

export function createCheckMetrics(): CheckMetrics {
  const registry = new Registry();
  const duration = new Histogram({
    name: "ringrift_check_duration_seconds",
    help: "How long runs of each check took.",
    labelNames: ["check"],
    buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 10],
    registers: [registry],
  });
  const failures = new Counter({
    name: "ringrift_check_failures_total",
    help: "Runs of each check that found a fault or could not tell.",
    labelNames: ["check"],
    registers: [registry],
  });
  return {
    registry,
    observe: ({ check, state, durationSeconds }) => {
      duration.observe({ check }, durationSeconds);
      // A counter that exists from the first run on lets a rate be taken from its first failure.
      failures.inc({ check }, state === "unhealthy" || state === "unknown" ? 1 : 0);
    },
  };
}
