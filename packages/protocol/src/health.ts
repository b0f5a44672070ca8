import { z } from "zod";
import { errorText } from "./errors.ts";

export const healthStatuses = ["healthy", "degraded", "unhealthy"] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** JSON shape of a health check's answer. `timestamp` is seconds since 1970. */
export const healthCheckResultSchema: z.ZodType<HealthCheckResultData> = z.object({
  status: z.enum(healthStatuses),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
  timestamp: z.number(),
});

export interface HealthCheckResultData {
  readonly status: HealthStatus;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly timestamp: number;
}

/**
 * What every health check at every layer returns.
 *
 * @example
 * const result = new HealthCheckResult({ status: "degraded", message: "queue is long", details: { depth: 900 } });
 * result.isHealthy; // false
 */
export class HealthCheckResult implements HealthCheckResultData {
  readonly status: HealthStatus;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Seconds since 1970. */
  readonly timestamp: number;

  constructor(fields: {
    status: HealthStatus;
    message?: string;
    details?: Readonly<Record<string, unknown>>;
    timestamp?: number;
  }) {
    this.status = fields.status;
    this.message = fields.message ?? "";
    this.details = fields.details ?? {};
    this.timestamp = fields.timestamp ?? Date.now() / 1000;
  }

  get isHealthy(): boolean {
    return this.status === "healthy";
  }

  /** The answer of a check that threw or timed out: a check error is never health. */
  static checkError(thrown: unknown, timestamp?: number): HealthCheckResult {
    const checkError = errorText(thrown);
    return new HealthCheckResult({
      status: "unhealthy",
      message: `check error: ${checkError}`,
      details: { checkError },
      ...(timestamp === undefined ? {} : { timestamp }),
    });
  }
}

const severity: Readonly<Record<HealthStatus, number>> = { healthy: 0, degraded: 1, unhealthy: 2 };

/** The worse of two statuses. */
export function worseStatus(a: HealthStatus, b: HealthStatus): HealthStatus {
  return severity[a] >= severity[b] ? a : b;
}

export const healthLevels = ["HEALTHY", "DEGRADED", "UNHEALTHY", "CRITICAL", "UNKNOWN"] as const;
/** Level of the whole system; UNKNOWN when no component of the score is known. */
export type HealthLevel = (typeof healthLevels)[number];

export const nodeStates = [
  "healthy",
  "degraded",
  "unhealthy",
  "evicted",
  "offline",
  "provider_down",
  "retired",
  "unknown",
] as const;
export type NodeState = (typeof nodeStates)[number];

export const linkStates = ["alive", "suspect", "down", "left"] as const;
/** What the mesh says of a member: `down` and `left` differ in whether it said goodbye. */
export type LinkState = (typeof linkStates)[number];

export const daemonStates = [
  "initializing",
  "starting",
  "running",
  "stopping",
  "stopped",
  "completed",
  "failed",
  "restarting",
  "degraded",
  "start_refused",
  "stuck",
] as const;
export type DaemonState = (typeof daemonStates)[number];

export const circuitStates = ["closed", "half_open", "open"] as const;
export type CircuitState = (typeof circuitStates)[number];

export const nodeRoles = ["server", "agent"] as const;
export type NodeRole = (typeof nodeRoles)[number];
