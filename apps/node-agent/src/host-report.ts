// core: pure
import type { ProbeOutcome } from "@ringrift/probes";
import type {
  CheckReport,
  CircuitStatus,
  DaemonHealth,
  GpuError,
  GpuStatus,
  NodeEndpoint,
  NodeReport,
  NodeResources,
  StageReport,
} from "@ringrift/protocol";

/** What the agent knows of its host, and which part of it the servers have not heard yet. */
export interface HostReport {
  /** These checks will run: until each has ended its first run, the servers are told that nothing is known of it. */
  expectChecks(names: readonly string[]): void;
  addOutcome(outcome: ProbeOutcome): void;
  /** Takes a check out that is not run any more; the next word to the servers is a full one, which shows that it is gone. */
  removeCheck(name: string): void;
  setDaemons(daemons: readonly DaemonHealth[]): void;
  setStages(stages: readonly StageReport[]): void;
  setCircuits(circuits: readonly CircuitStatus[]): void;
  setEndpoint(endpoint: NodeEndpoint): void;
  /** What changed since the last call, or everything where a check was taken out; null when nothing did. */
  takeDelta(nowSeconds: number): NodeReport | null;
  /** Everything, for a server that has just connected. */
  full(nowSeconds: number): NodeReport;
  checks(): readonly CheckReport[];
}

const nothingKnown: NodeResources = {
  cpuCores: null,
  cpuUtilizationRatio: null,
  memoryUsedRatio: null,
  gpuUtilizationRatio: null,
};

/** Uptimes, memory and CPU of daemons are never older than this, though nothing else changes. */
const daemonsEverySeconds = 15;

const unchanged = {
  gpus: false,
  gpuErrors: false,
  resources: false,
  daemons: false,
  stages: false,
  circuits: false,
  pendingChecks: false,
};

/** Collects a host's report; what is sent depends only on what was added. */
export function createHostReport(identity: {
  readonly version: string;
  readonly startedAt: number;
  readonly expectedGpus?: number;
}): HostReport {
  const checks = new Map<string, CheckReport>();
  const fresh = new Set<string>();
  const pending = new Set<string>();
  let gpus: readonly GpuStatus[] | null | undefined;
  let gpuErrors: readonly GpuError[] | undefined;
  let resources = nothingKnown;
  let daemons: readonly DaemonHealth[] = [];
  let stages: readonly StageReport[] = [];
  let circuits: readonly CircuitStatus[] = [];
  let address: Pick<NodeReport, "endpoint"> = {};
  let changed = unchanged;
  let daemonsToldAt = Number.NEGATIVE_INFINITY;
  let seq = 0;
  let fullIsDue = false;

  const compose = (nowSeconds: number, full: boolean): NodeReport => {
    seq += 1;
    const include = full
      ? {
          gpus: gpus !== undefined,
          gpuErrors: gpuErrors !== undefined,
          resources: true,
          daemons: true,
          stages: true,
          circuits: true,
          pendingChecks: true,
        }
      : changed;
    return {
      ...identity,
      ...address,
      full,
      seq,
      sentAt: nowSeconds,
      checks: [...checks.values()].filter((check) => full || fresh.has(check.check)),
      ...(include.gpus ? { gpus: gpus ?? null } : {}),
      ...(include.gpuErrors ? { gpuErrors: gpuErrors ?? [] } : {}),
      ...(include.resources ? { resources } : {}),
      ...(include.daemons ? { daemons } : {}),
      ...(include.stages ? { stages } : {}),
      ...(include.circuits ? { circuits } : {}),
      ...(include.pendingChecks ? { pendingChecks: [...pending] } : {}),
    };
  };

  return {
    expectChecks: (names) => {
      for (const name of names) if (!checks.has(name)) pending.add(name);
      changed = { ...changed, pendingChecks: true };
    },
    addOutcome: (outcome) => {
      checks.set(outcome.report.check, outcome.report);
      fresh.add(outcome.report.check);
      if (pending.delete(outcome.report.check)) changed = { ...changed, pendingChecks: true };
      if (outcome.gpus !== undefined) {
        gpus = outcome.gpus;
        changed = { ...changed, gpus: true };
      }
      if (outcome.gpuErrors !== undefined && outcome.gpuErrors !== gpuErrors) {
        gpuErrors = outcome.gpuErrors;
        changed = { ...changed, gpuErrors: true };
      }
      if (outcome.resources !== undefined) {
        resources = { ...resources, ...outcome.resources };
        changed = { ...changed, resources: true };
      }
    },
    removeCheck: (name) => {
      fresh.delete(name);
      if (pending.delete(name)) changed = { ...changed, pendingChecks: true };
      if (checks.delete(name)) fullIsDue = true;
    },
    setDaemons: (next) => {
      if (newsOf(next) !== newsOf(daemons)) changed = { ...changed, daemons: true };
      daemons = next;
    },
    setStages: (next) => {
      if (withoutAges(next) !== withoutAges(stages)) changed = { ...changed, stages: true };
      stages = next;
    },
    setCircuits: (next) => {
      if (JSON.stringify(next) !== JSON.stringify(circuits)) changed = { ...changed, circuits: true };
      circuits = next;
    },
    setEndpoint: (endpoint) => {
      address = { endpoint };
      fullIsDue = true;
    },
    takeDelta: (nowSeconds) => {
      if (daemons.length > 0 && nowSeconds - daemonsToldAt >= daemonsEverySeconds)
        changed = { ...changed, daemons: true };
      if (!fullIsDue && fresh.size === 0 && !Object.values(changed).includes(true)) return null;
      const delta = compose(nowSeconds, fullIsDue);
      fullIsDue = false;
      fresh.clear();
      if (changed.daemons) daemonsToldAt = nowSeconds;
      changed = unchanged;
      return delta;
    },
    full: (nowSeconds) => compose(nowSeconds, true),
    checks: () => [...checks.values()],
  };
}

// Ages grow by themselves: alone they are no news worth a frame. Nor is it when a tenth of a core or a few megabytes move.
function newsOf(daemons: readonly DaemonHealth[]): string {
  return JSON.stringify(
    daemons.map((daemon) => ({
      ...daemon,
      uptimeSeconds: null,
      lastExitAgeSeconds: null,
      cpuCores: daemon.cpuCores === null ? null : Math.round(daemon.cpuCores * 4),
      memoryBytes: daemon.memoryBytes === null ? null : Math.round(Math.log2(daemon.memoryBytes + 1) * 10),
    })),
  );
}
function withoutAges(stages: readonly StageReport[]): string {
  return JSON.stringify(stages.map(({ stage, state, reason }) => [stage, state, reason]));
}
