// core: pure
import type { MeshStatus } from "@ringrift/mesh";
import type { NodeHealth } from "@ringrift/orchestrator";
import type { GateView } from "@ringrift/pipeline";
import {
  type HealthCheckResult,
  type StatusCluster,
  type StatusDocument,
  type StatusNode,
  statusSchemaName,
} from "@ringrift/protocol";
import type { SystemHealth } from "@ringrift/scorer";
import { meshView } from "./mesh-view.ts";

/** Who is telling. */
export interface Teller {
  readonly id: string;
  readonly role: "server" | "agent";
  readonly version: string;
  readonly startedAtSeconds: number;
  readonly clusterId: string;
  readonly elector: string;
}

/** All that a status document is made of. */
export interface StatusParts {
  readonly teller: Teller;
  readonly health: SystemHealth;
  readonly cluster: StatusCluster;
  /** Why what the servers agreed on cannot be read here; null where it can. */
  readonly agreedFault: string | null;
  readonly nodes: readonly NodeHealth[];
  readonly pipeline: GateView;
  readonly nowSeconds: number;
}

/** Composes the answer of `/status`. Pure: everything it says was known before it was asked. */
export function composeStatus(parts: StatusParts): StatusDocument {
  const { teller, health, cluster, agreedFault, nodes, pipeline, nowSeconds } = parts;
  return {
    schema: statusSchemaName,
    node: {
      id: teller.id,
      role: teller.role,
      version: teller.version,
      uptimeSeconds: round(nowSeconds - teller.startedAtSeconds),
    },
    score: health.score,
    level: health.level,
    partial: health.partial,
    reasons: [
      ...massFailureReasons(cluster),
      ...missingServersReasons(cluster),
      ...(agreedFault === null ? [] : [agreedFault]),
      ...health.reasons,
    ],
    components: health.components,
    cluster,
    nodes: statusNodes(nodes),
    daemons: statusDaemons(nodes),
    pipeline: statusPipeline(pipeline, nodes),
    alerts: [],
    timestamp: nowSeconds,
  };
}

/** What no score shows: a broken switch looks like many broken hosts, and costs no points before they are called so. */
function massFailureReasons({ mesh }: StatusCluster): string[] {
  const failure = mesh?.massFailure ?? null;
  if (failure === null) return [];
  const { suspects, agents, ageSeconds } = failure;
  return [
    `${suspects} of ${agents} agents turned suspect at once, ${Math.round(ageSeconds)} s ago: look at what they share, a switch or this server's network; nobody is declared down for half a minute`,
  ];
}

/** A quorum that is still held looks as good as a whole one. */
function missingServersReasons({ quorum }: StatusCluster): string[] {
  const { held, have, need, voters } = quorum;
  const missing = voters.filter(({ reachable }) => !reachable).map(({ id }) => id);
  // Without a quorum the score says so.
  if (!held || missing.length === 0) return [];
  const spare = have - need;
  const more =
    spare <= 0 ? "the loss of one more ends the quorum" : `${spare} more may be lost before the quorum is`;
  return [`${missing.length} of ${voters.length} servers cannot be reached: ${missing.join(", ")}; ${more}`];
}

/** Who leads, by what majority, and how every link is. Pure. */
export function statusCluster(
  teller: Teller,
  mesh: MeshStatus,
  credentials: HealthCheckResult | null,
): StatusCluster {
  const counts = { alive: 0, suspect: 0, down: 0, left: 0 };
  for (const member of mesh.members) counts[member.link] += 1;
  const { held, have, need, voters } = mesh.quorum;
  return {
    id: teller.clusterId,
    leaderId: mesh.leaderId,
    epoch: mesh.epoch,
    elector: mesh.elector?.kind ?? teller.elector,
    quorum: { held, have, need, voters },
    counts,
    ageSeconds: mesh.statusAgeSeconds,
    mesh: meshView(mesh, credentials),
  };
}

/** Every node, in the order given. Pure. */
export function statusNodes(nodes: readonly NodeHealth[]): StatusDocument["nodes"] {
  return nodes.map(statusNode);
}

/** Every daemon of these nodes but the retired ones. Pure. */
export function statusDaemons(nodes: readonly NodeHealth[]): StatusDocument["daemons"] {
  return nodes
    .filter(isInUse)
    .flatMap((node) => node.daemons.map((daemon) => ({ node: node.id, ...daemon })));
}

/** Whether the pipeline may run, and every stage of these nodes but the retired ones. Pure. */
export function statusPipeline(gate: GateView, nodes: readonly NodeHealth[]): StatusDocument["pipeline"] {
  return {
    state: gate.state,
    reasons: gate.reasons,
    stages: nodes
      .filter(isInUse)
      .flatMap((node) =>
        node.stages.map(({ stage, state, reason }) => ({ node: node.id, stage, state, reason })),
      ),
  };
}

function isInUse({ retired }: NodeHealth): boolean {
  return retired === null;
}

/** More are in the node's own answer. */
const maxGpuErrors = 8;

function statusNode(node: NodeHealth): StatusNode {
  return {
    id: node.id,
    role: node.role,
    link: node.link,
    state: node.state,
    status: node.status,
    score: node.score,
    lastSeenSeconds: node.lastSeenSeconds === null ? null : round(node.lastSeenSeconds),
    reportAgeSeconds: node.reportAgeSeconds === null ? null : round(node.reportAgeSeconds),
    gpus: node.gpus === null ? null : { total: node.gpus.total, healthy: node.gpus.healthy },
    reasons: node.reasons,
    retired: node.retired,
    gpuErrors: node.gpuErrors.slice(-maxGpuErrors),
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
