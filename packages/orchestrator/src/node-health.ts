// core: pure
import type { NodeRecord } from "@ringrift/cluster-monitor";
import type {
  CheckReport,
  CircuitStatus,
  DaemonHealth,
  GpuError,
  GpuStatus,
  HealthStatus,
  LinkState,
  NodeEndpoint,
  NodeResources,
  NodeRole,
  NodeState,
  SignalState,
  StageReport,
} from "@ringrift/protocol";
import type { Retirement } from "./decisions.ts";

/** One node with its verdicts: `link` is alive or not, `state` fit or not. */
export interface NodeHealth {
  readonly id: string;
  readonly role: NodeRole;
  readonly link: LinkState;
  readonly state: NodeState;
  readonly status: HealthStatus | "unknown";
  /** 0-100; null when not known. */
  readonly score: number | null;
  readonly reasons: readonly string[];
  /** `total`: those listed, or as many as the host should have when that is more. */
  readonly gpus: { readonly total: number; readonly healthy: number } | null;
  /** The cards themselves; null when not known. */
  readonly cards: readonly GpuStatus[] | null;
  readonly lastSeenSeconds: number | null;
  readonly reportAgeSeconds: number | null;
  readonly checks: readonly CheckReport[];
  readonly daemons: readonly DaemonHealth[];
  readonly stages: readonly StageReport[];
  readonly circuits: readonly CircuitStatus[];
  readonly gpuErrors: readonly GpuError[];
  readonly resources: NodeResources | null;
  readonly provider: string | null;
  /** Where its own pages are asked for; null when it did not say. */
  readonly endpoint: NodeEndpoint | null;
  readonly version: string;
  /** Null unless an operator retired it. */
  readonly retired: Retirement | null;
}

/** Points that a check in each state costs a node; from 100, at least 0. A suspect link costs as much as a degraded check. */
const cost: Readonly<Record<SignalState, number>> = {
  healthy: 0,
  not_applicable: 0,
  unknown: 15,
  degraded: 15,
  unhealthy: 50,
};

interface Verdict {
  readonly state: NodeState;
  /** Why the provider is down or the node retired. */
  readonly why: string;
  readonly retired: Retirement | null;
  readonly hasFreshReport: boolean;
}

/**
 * Joins what is known of a node with its state. Pure.
 *
 * @param hasFreshReport False when its report is old or the link is gone: what a silent node said last is not how it is now.
 */
export function nodeHealth(record: NodeRecord, { state, why, retired, hasFreshReport }: Verdict): NodeHealth {
  const { checks } = record;
  const isCurrent = hasFreshReport && state !== "unknown" && state !== "offline";
  const gpus = isCurrent ? record.gpus : null;
  const ofLink = record.link === "suspect" ? cost.degraded : 0;
  const points = checks.reduce((sum, check) => sum + cost[check.state], ofLink);
  return {
    id: record.id,
    role: record.role,
    link: record.link,
    state,
    status: statusOf(state),
    score: isCurrent && checks.length > 0 ? Math.max(0, 100 - points) : null,
    reasons: reasonsOf(record, state, why, hasFreshReport),
    gpus:
      gpus === null
        ? null
        : {
            total: Math.max(gpus.length, record.expectedGpus ?? 0),
            healthy: gpus.filter((gpu) => gpu.state === "healthy").length,
          },
    cards: gpus,
    lastSeenSeconds: record.lastSeenSeconds,
    reportAgeSeconds: record.reportAgeSeconds,
    checks,
    daemons: record.daemons,
    stages: record.stages,
    circuits: record.circuits,
    gpuErrors: record.gpuErrors ?? [],
    resources: isCurrent ? record.resources : null,
    provider: record.provider,
    endpoint: record.endpoint,
    version: record.version,
    retired,
  };
}

function statusOf(state: NodeState): HealthStatus | "unknown" {
  switch (state) {
    case "healthy":
    case "degraded":
      return state;
    case "unknown":
    case "retired":
      return "unknown";
    default:
      return "unhealthy";
  }
}

function reasonsOf(record: NodeRecord, state: NodeState, why: string, hasFreshReport: boolean): string[] {
  const because = why === "" ? "" : `: ${why}`;
  const reasons: string[] = [];
  if (state === "retired") reasons.push(`retired by an operator${because}`);
  if (record.link !== "alive") reasons.push(`link ${record.link}: ${record.linkReason}`);
  if (state === "provider_down") reasons.push(`provider ${record.provider ?? ""} is down${because}`);
  if (hasFreshReport && record.pendingChecks.length > 0)
    reasons.push(`has just started: no answer yet from ${named(record.pendingChecks)}`);
  else if (state === "unknown") reasons.push(lastReport(record.reportAgeSeconds));
  if (state === "unknown" || state === "offline" || (state === "retired" && !hasFreshReport)) return reasons;
  for (const check of record.checks) {
    if (check.state !== "healthy" && check.state !== "not_applicable")
      reasons.push(`${check.check} ${check.state}: ${check.reason}`);
  }
  if (reasons.length === 0 && (state === "unhealthy" || state === "evicted" || state === "degraded"))
    reasons.push("passes again; waits for enough passes in a row");
  return reasons;
}

function lastReport(ageSeconds: number | null): string {
  return ageSeconds === null ? "no report yet" : `last report ${Math.round(ageSeconds)} s ago`;
}

const mostNamed = 5;

function named(checks: readonly string[]): string {
  const more = checks.length - mostNamed;
  return checks.slice(0, mostNamed).join(", ") + (more > 0 ? ` and ${more} more checks` : "");
}
