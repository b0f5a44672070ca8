// core: pure
import type { MeshStatus } from "@ringrift/mesh";
import { type MetricFamily, type MetricSample, stateSet } from "@ringrift/metrics";
import type { NodeHealth } from "@ringrift/orchestrator";
import {
  daemonStates,
  type HealthCheckResult,
  healthLevels,
  linkStates,
  nodeStates,
  type StatusDaemon,
  type StatusDocument,
} from "@ringrift/protocol";
import { meshFamilies } from "./mesh-view.ts";
import { counter, gauge, one } from "./samples.ts";

/** The figures of a status document as metric families; what is not known has no sample. */
export function statusFamilies(
  status: StatusDocument,
  mesh: MeshStatus,
  credentials: HealthCheckResult | null,
  nodes: readonly NodeHealth[],
  dropped: Readonly<Record<string, number>>,
): MetricFamily[] {
  const { cluster } = status;
  const inUse = nodes.filter((node) => node.retired === null);
  const [generation = 0, term = 0] = cluster.epoch.split(".").map(Number);
  return [
    gauge("ringrift_health_score", "Score of the system, 0 to 100.", one(status.score)),
    gauge(
      "ringrift_health_component_score",
      "Score of each component, 0 to 100.",
      Object.entries(status.components).flatMap(([component, { score }]) =>
        score === null ? [] : [{ labels: { component }, value: score }],
      ),
    ),
    gauge(
      "ringrift_health_level",
      "Level of the system, 1 for the one it is in.",
      stateSet(healthLevels, status.level, {}, "level"),
    ),
    gauge(
      "ringrift_node_state",
      "State of each node, 1 for the one it is in.",
      status.nodes.flatMap((node) => stateSet(nodeStates, node.state, { node: node.id })),
    ),
    gauge(
      "ringrift_node_up",
      "1 while the mesh holds the node for alive or suspect; no sample of a retired one.",
      inUse.map((node) => ({
        labels: { node: node.id },
        value: node.link === "alive" || node.link === "suspect" ? 1 : 0,
      })),
    ),
    gauge(
      "ringrift_leader",
      "1 for the node that leads, no sample while none does.",
      cluster.leaderId === null ? [] : [{ labels: { node: cluster.leaderId }, value: 1 }],
    ),
    gauge(
      "ringrift_quorum_held",
      "1 while a majority of the configured voters follows one leader.",
      one(cluster.quorum.held ? 1 : 0),
    ),
    gauge("ringrift_epoch", "Term of the leader known to this node.", one(term)),
    gauge("ringrift_epoch_generation", "Generation of the election back end.", one(generation)),
    gauge(
      "ringrift_peers",
      "Members by state of their link.",
      linkStates.map((link) => ({ labels: { link }, value: cluster.counts[link] })),
    ),
    gauge(
      "ringrift_daemon_state",
      "State of each daemon, 1 for the one it is in.",
      status.daemons.flatMap((daemon) =>
        stateSet(daemonStates, daemon.state, { node: daemon.node, daemon: daemon.name }),
      ),
    ),
    gauge(
      "ringrift_daemon_ready",
      "1 while the daemon is ready.",
      eachDaemon(status, ({ ready }) => (ready ? 1 : 0)),
    ),
    gauge(
      "ringrift_daemon_critical",
      "1 for a daemon that counts for the liveness of its host.",
      eachDaemon(status, ({ critical }) => (critical ? 1 : 0)),
    ),
    gauge(
      "ringrift_daemon_uptime_seconds",
      "Age of each daemon's run.",
      eachDaemon(status, ({ uptimeSeconds }) => uptimeSeconds),
    ),
    gauge(
      "ringrift_daemon_error_ratio",
      "Share of each daemon's health checks in the last 300 s that failed, 0 to 1.",
      eachDaemon(status, ({ errorRate }) => errorRate),
    ),
    gauge(
      "ringrift_daemon_cpu_cores",
      "Cores that each daemon and all it started keep busy.",
      eachDaemon(status, ({ cpuCores }) => cpuCores),
    ),
    gauge(
      "ringrift_daemon_memory_bytes",
      "Resident memory of each daemon and all it started.",
      eachDaemon(status, ({ memoryBytes }) => memoryBytes),
    ),
    {
      name: "ringrift_daemon_restarts_total",
      type: "counter",
      help: "Restarts of each daemon.",
      samples: eachDaemon(status, ({ restarts }) => restarts),
    },
    gauge(
      "ringrift_pipeline_paused",
      "1 while the pipeline is told to pause.",
      one(status.pipeline.state === "paused" ? 1 : 0),
    ),
    gauge(
      "ringrift_node_report_age_seconds",
      "Age of the last report of each node that is not retired.",
      inUse.flatMap((node) =>
        node.reportAgeSeconds === null ? [] : [{ labels: { node: node.id }, value: node.reportAgeSeconds }],
      ),
    ),
    ...meshFamilies(mesh, credentials),
    counter("ringrift_dropped_total", "What was dropped at a bound, by kind.", "what", dropped),
  ];
}

/** One sample for each daemon of which the value is known. */
function eachDaemon(status: StatusDocument, value: (daemon: StatusDaemon) => number | null): MetricSample[] {
  return status.daemons.flatMap((daemon) =>
    one(value(daemon)).map((sample) => ({ ...sample, labels: { node: daemon.node, daemon: daemon.name } })),
  );
}
