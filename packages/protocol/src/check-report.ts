import { z } from "zod";
import { HealthCheckResult } from "./health.ts";

export const signalStates = ["healthy", "degraded", "unhealthy", "unknown", "not_applicable"] as const;
/**
 * State of one signal. `unknown` (no data, too old, or the check failed) and `not_applicable` (the thing does not
 * exist here and none is expected) are answers of their own: they never read as 0, as 100 or as healthy.
 */
export type SignalState = (typeof signalStates)[number];

export const maxReadingsPerCheck = 2000;
export const maxReasonLength = 1000;

const readingSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,79}$/),
  labels: z.record(z.string().max(40), z.string().max(200)),
  source: z.string().max(100),
  observedAt: z.number(),
  value: z.union([z.number(), z.null()]),
  absence: z.enum(["unknown", "not_applicable"]).optional(),
});

/**
 * One measured value with its age and source. `name` carries the base unit (`gpu_temperature_celsius`) and becomes the
 * metric `ringrift_<name>`. `value` is null exactly when `absence` says why there is none. `observedAt`: seconds since 1970.
 */
export interface Reading {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: string;
  readonly observedAt: number;
  readonly value: number | null;
  readonly absence?: "unknown" | "not_applicable" | undefined;
}

export const checkReportSchema: z.ZodType<CheckReport> = z.object({
  check: z.string().regex(/^[a-z][a-z0-9_.-]{0,63}$/),
  state: z.enum(signalStates),
  reason: z.string().max(maxReasonLength),
  action: z.string().max(maxReasonLength).optional(),
  details: z.record(z.string(), z.unknown()),
  readings: z.array(readingSchema).max(maxReadingsPerCheck),
  observedAt: z.number(),
  durationSeconds: z.number().min(0),
});

/** What one run of one check found. `observedAt`: seconds since 1970, when the run ended. */
export interface CheckReport {
  readonly check: string;
  readonly state: SignalState;
  /** Why the state is what it is, for a person; at most 1,000 characters. */
  readonly reason: string;
  /** What to do about it; absent when nothing needs doing. */
  readonly action?: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly readings: readonly Reading[];
  readonly observedAt: number;
  readonly durationSeconds: number;
}

const rank: Readonly<Record<SignalState, number>> = {
  not_applicable: 0,
  healthy: 1,
  unknown: 2,
  degraded: 3,
  unhealthy: 4,
};

/** The worst of several signals; of none at all: `unknown`, since nothing was seen. */
export function worstSignal(states: readonly SignalState[]): SignalState {
  let worst: SignalState | null = null;
  for (const state of states) {
    if (worst === null || rank[state] > rank[worst]) worst = state;
  }
  return worst ?? "unknown";
}

/** A check's report as the HealthCheckResult that every layer speaks; an unknown signal is unhealthy with `checkError`. */
export function toHealthCheckResult(report: CheckReport): HealthCheckResult {
  const base = { message: report.reason, timestamp: report.observedAt };
  switch (report.state) {
    case "unknown":
      return new HealthCheckResult({
        ...base,
        status: "unhealthy",
        details: { ...report.details, checkError: report.reason },
      });
    case "not_applicable":
      return new HealthCheckResult({
        ...base,
        status: "healthy",
        details: { ...report.details, notApplicable: true },
      });
    default:
      return new HealthCheckResult({ ...base, status: report.state, details: report.details });
  }
}
