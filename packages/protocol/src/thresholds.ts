// core: pure
/** One threshold: the single place where its name, unit, default, variable and range are written. */
export interface Threshold {
  readonly env: string;
  readonly unit: "ratio" | "seconds" | "count" | "score" | "hours" | "days";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

export type ThresholdName =
  | "ERROR_RATE_WARNING"
  | "ERROR_RATE_CRITICAL"
  | "ERROR_WINDOW_SECONDS"
  | "ERROR_MINIMUM_SAMPLES"
  | "INACTIVITY_SECONDS"
  | "ERROR_BURST"
  | "NODE_UNHEALTHY_FAILURES"
  | "NODE_EVICTED_FAILURES"
  | "NODE_RECOVERY_PASSES"
  | "CIRCUIT_OPEN_FAILURES"
  | "CIRCUIT_HALF_OPEN_SECONDS"
  | "SCORE_HEALTHY"
  | "SCORE_DEGRADED"
  | "SCORE_UNHEALTHY"
  | "PAUSE_SCORE"
  | "PAUSE_OFFLINE_RATIO"
  | "RESUME_SCORE"
  | "RESUME_QUIET_SECONDS"
  | "REPORT_STALE_SECONDS"
  | "CLOCK_OFFSET_SECONDS"
  | "CREDENTIAL_WARNING_DAYS"
  | "CREDENTIAL_CRITICAL_DAYS";

/** Every threshold of the system; `docs/thresholds.md` is generated from this table. */
export const thresholds: { readonly [Name in ThresholdName]: Threshold } = {
  ERROR_RATE_WARNING: row(
    "ERROR_RATE_WARNING",
    "ratio",
    0.3,
    0,
    1,
    "error rate above which a component warns",
  ),
  ERROR_RATE_CRITICAL: row(
    "ERROR_RATE_THRESHOLD",
    "ratio",
    0.5,
    0,
    1,
    "error rate above which a component is degraded",
  ),
  ERROR_WINDOW_SECONDS: row(
    "ERROR_WINDOW",
    "seconds",
    300,
    1,
    86_400,
    "sliding window of error rates and bursts",
  ),
  ERROR_MINIMUM_SAMPLES: row(
    "ERROR_MINIMUM_SAMPLES",
    "count",
    10,
    1,
    100_000,
    "samples below which there is no error rate",
  ),
  INACTIVITY_SECONDS: row(
    "INACTIVITY",
    "seconds",
    1800,
    1,
    604_800,
    "quiet time that degrades what should be active",
  ),
  ERROR_BURST: row("ERROR_BURST", "count", 10, 1, 100_000, "errors in the window that count as a burst"),
  NODE_UNHEALTHY_FAILURES: row(
    "NODE_UNHEALTHY_FAILURES",
    "count",
    3,
    1,
    100,
    "consecutive failures that make a node unhealthy",
  ),
  NODE_EVICTED_FAILURES: row(
    "NODE_EVICTED_FAILURES",
    "count",
    5,
    2,
    100,
    "consecutive failures that evict a node",
  ),
  NODE_RECOVERY_PASSES: row(
    "NODE_RECOVERY_PASSES",
    "count",
    3,
    1,
    100,
    "passes in a row that clear an unhealthy node",
  ),
  CIRCUIT_OPEN_FAILURES: row(
    "CIRCUIT_OPEN_FAILURES",
    "count",
    5,
    1,
    1000,
    "consecutive failures that open a circuit",
  ),
  CIRCUIT_HALF_OPEN_SECONDS: row(
    "CIRCUIT_HALF_OPEN",
    "seconds",
    60,
    1,
    86_400,
    "time until an open circuit tries again",
  ),
  SCORE_HEALTHY: row("SCORE_HEALTHY", "score", 80, 0, 100, "score from which the system is HEALTHY"),
  SCORE_DEGRADED: row("SCORE_DEGRADED", "score", 60, 0, 100, "score from which the system is DEGRADED"),
  SCORE_UNHEALTHY: row(
    "SCORE_UNHEALTHY",
    "score",
    40,
    0,
    100,
    "score from which the system is UNHEALTHY, below it CRITICAL",
  ),
  PAUSE_SCORE: row("PAUSE_SCORE", "score", 40, 0, 100, "raw score below which the pipeline pauses"),
  PAUSE_OFFLINE_RATIO: row(
    "PAUSE_OFFLINE_RATIO",
    "ratio",
    0.5,
    0,
    1,
    "share of nodes offline that pauses the pipeline",
  ),
  RESUME_SCORE: row("RESUME_SCORE", "score", 60, 0, 100, "raw score from which a paused pipeline may resume"),
  RESUME_QUIET_SECONDS: row(
    "RESUME_QUIET",
    "seconds",
    120,
    0,
    86_400,
    "time without a pause trigger before it resumes",
  ),
  REPORT_STALE_SECONDS: row(
    "REPORT_STALE",
    "seconds",
    60,
    5,
    86_400,
    "age from which a node's report counts as unknown",
  ),
  CLOCK_OFFSET_SECONDS: row(
    "CLOCK_OFFSET",
    "seconds",
    0.5,
    0.001,
    3600,
    "distance of a node's clock from the servers', and from its time source, above which it is degraded",
  ),
  CREDENTIAL_WARNING_DAYS: row(
    "CREDENTIAL_WARNING",
    "days",
    14,
    0,
    36_500,
    "time before the expiry of a certificate or of the last key of a keyring from which a node is degraded",
  ),
  CREDENTIAL_CRITICAL_DAYS: row(
    "CREDENTIAL_CRITICAL",
    "days",
    0,
    0,
    36_500,
    "the same for unhealthy; 0 is once it has expired",
  ),
};

export type ThresholdValues = { readonly [Name in ThresholdName]: number };

/** The defaults of the table, by name. */
export const HealthThresholds: ThresholdValues = Object.fromEntries(
  Object.entries(thresholds).map(([name, threshold]) => [name, threshold.default]),
) as ThresholdValues;

function row(
  variable: string,
  unit: Threshold["unit"],
  standard: number,
  min: number,
  max: number,
  meaning: string,
): Threshold {
  return { env: `RINGRIFT_${variable}`, unit, default: standard, min, max, meaning };
}
