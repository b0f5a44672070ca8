import {
  type AgreedView,
  judgeCredentials,
  type MemberView,
  type MeshEvent,
  type MeshStatus,
} from "@ringrift/mesh";
import type { MetricFamily } from "@ringrift/metrics";
import {
  type EventLog,
  HealthCheckOrchestrator,
  type NodeHealth,
  type Retirement,
} from "@ringrift/orchestrator";
import { createGate, type GateView } from "@ringrift/pipeline";
import type {
  EventOccurrence,
  GpuList,
  HealthCheckResult,
  NodeReport,
  StatusCluster,
  StatusDocument,
  ThresholdValues,
} from "@ringrift/protocol";
import { type SystemInputs, UnifiedHealthManager } from "@ringrift/scorer";
import { AgreedNodes } from "./agreed-nodes.ts";
import { statusFamilies } from "./families.ts";
import { composeGpus } from "./gpus.ts";
import { byRoleAndId } from "./order.ts";
import {
  composeStatus,
  statusCluster,
  statusDaemons,
  statusNodes,
  statusPipeline,
  type Teller,
} from "./status.ts";

/** Age from which what an agent heard of leader and quorum counts as unknown. */
const meshStaleSeconds = 5;

export interface OverviewOptions {
  readonly teller: Teller;
  readonly mesh: () => MeshStatus;
  /** Configured number of agents; 0 counts those known and not retired. */
  readonly expectedNodes: number;
  readonly thresholds: ThresholdValues;
  readonly eventLog: EventLog;
  readonly nowSeconds: () => number;
}

/**
 * All that one program knows, kept ready: nodes, events, score, pipeline state. A server's overview is of the cluster, an
 * agent's of its own host.
 */
export interface Overview {
  readonly teller: Teller;
  readonly orchestrator: HealthCheckOrchestrator;
  readonly events: EventLog;
  readonly health: UnifiedHealthManager;
  onMeshEvent(event: MeshEvent): void;
  applyReport(nodeId: string, report: NodeReport): void;
  emit(occurrence: EventOccurrence): void;
  /** Renews everything that changes with time alone; call it about once a second. */
  tick(): void;
  gate(): GateView;
  /** The part of the status that needs no node: it costs little however many there are. */
  cluster(): StatusCluster;
  /** Parts of the status, each composed alone. */
  nodes(): StatusDocument["nodes"];
  daemons(): StatusDocument["daemons"];
  pipeline(): StatusDocument["pipeline"];
  status(): StatusDocument;
  /** Every card of the nodes that this process answers for. */
  gpus(): GpuList;
  /** Every member that the mesh knows, not cut to what fits in a status; servers first, by name. */
  members(): readonly (MemberView & { readonly retired: Retirement | null })[];
  families(): MetricFamily[];
}

export function createOverview(options: OverviewOptions): Overview {
  const { teller, thresholds, eventLog: events, nowSeconds } = options;
  // Kept, since asking the mesh lists all its members, and a thousand events may come at once.
  let epoch: string | null = null;
  const emit = (occurrence: EventOccurrence): void => {
    events.append(occurrence, nowSeconds(), epoch);
  };
  const orchestrator = new HealthCheckOrchestrator({ thresholds, emit });
  const health = new UnifiedHealthManager({ read: () => inputs(), thresholds });
  const gate = createGate(thresholds);
  let quorumHeld = false;
  const agreedNodes = new AgreedNodes();
  const agreedChanged = (agreed: AgreedView): void => {
    const wasConfirmed = agreedNodes.confirmed;
    const retired = agreedNodes.take(agreed);
    if (retired !== null) orchestrator.setRetired(retired, wasConfirmed ? null : teller.startedAtSeconds);
  };

  /** A server tells of every node, an agent of its own host. */
  const isTold = (node: { readonly id: string }): boolean =>
    teller.role === "server" || node.id === teller.id;
  const ownNodes = (): readonly NodeHealth[] => orchestrator.getNodes().filter(isTold);
  const sortedNodes = (): readonly NodeHealth[] => [...ownNodes()].sort(byRoleAndId);

  /** The mesh without its retired members: what is wrong with them is no fault. */
  const meshInUse = (): MeshStatus => {
    const mesh = options.mesh();
    const isRetired = ({ id }: MemberView): boolean => orchestrator.retirement(id) !== null;
    return {
      ...mesh,
      members: mesh.members.filter((member) => !isRetired(member)),
      massFailure: withoutRetired(mesh.massFailure, mesh.members.filter(isRetired)),
    };
  };

  let massFailureIsTold = false;
  function massFailureChanged(heldSeconds: number): void {
    const { massFailure } = meshInUse();
    if ((massFailure !== null) === massFailureIsTold) return;
    massFailureIsTold = massFailure !== null;
    if (massFailure === null) emit({ name: "MASS_FAILURE_OVER", data: { heldSeconds } });
    else {
      const { suspects, agents } = massFailure;
      emit({ name: "MASS_FAILURE_HELD", data: { suspects, agents } });
    }
  }

  function inputs(): SystemInputs {
    const mesh = options.mesh();
    const agents = ownNodes().filter((node) => node.role === "agent" && node.retired === null);
    const expected =
      teller.role === "server" && options.expectedNodes > 0 ? options.expectedNodes : agents.length;
    const meshIsKnown = mesh.statusAgeSeconds !== null && mesh.statusAgeSeconds <= meshStaleSeconds;
    const reportsAreFresh = agents.some((node) => isFresh(node, thresholds));
    return {
      nodes: expected === 0 ? null : { online: agents.filter(isOnline).length, expected },
      circuits: agents.flatMap((node) => node.circuits),
      recentErrors: orchestrator.errorCount(nowSeconds()),
      // Nothing here starts recoveries, so it is known that none has finished.
      recoveries: { succeeded: 0, finished: 0 },
      // A majority that reaches one another and yet has no leader is as little use as no majority.
      quorumHeld:
        teller.elector === "standalone" || !meshIsKnown ? null : mesh.quorum.held && mesh.leaderId !== null,
      fresh: reportsAreFresh && meshIsKnown,
    };
  }

  function tick(): void {
    const now = nowSeconds();
    const mesh = options.mesh();
    epoch = mesh.epoch;
    orchestrator.applyMembers(mesh.members.filter(isTold), now);
    const { rawScore, pauseTriggers } = health.getSystemHealth();
    const before = gate.view().state;
    const after = gate.evaluate({ rawScore, triggers: pauseTriggers }, now);
    if (before === after.state) return;
    emit({
      name: after.state === "paused" ? "PIPELINE_PAUSED" : "PIPELINE_RESUMED",
      data: { reasons: after.reasons },
    });
  }

  function onMeshEvent(event: MeshEvent): void {
    switch (event.type) {
      case "report":
        orchestrator.applyReport(event.nodeId, event.report, nowSeconds());
        break;
      case "member":
        if (isTold(event.member)) orchestrator.applyMember(event.member, nowSeconds());
        break;
      case "agreed":
        agreedChanged(event.agreed);
        break;
      case "leader":
        epoch = options.mesh().epoch;
        if (event.leaderId !== null)
          emit({ name: "LEADER_ELECTED", data: { leaderId: event.leaderId, term: event.term } });
        else if (event.previous !== null)
          emit({
            name: "LEADER_LOST",
            data: { leaderId: event.previous, reason: "no leader has the lease of a majority" },
          });
        break;
      case "mass_failure":
        massFailureChanged(event.previous?.ageSeconds ?? 0);
        break;
      case "quorum":
        // The mesh also tells of voters that come and go within a majority.
        if (event.held === quorumHeld) break;
        quorumHeld = event.held;
        emit({
          name: event.held ? "QUORUM_RESTORED" : "QUORUM_LOST",
          data: { have: event.have, need: event.need },
        });
        break;
    }
  }

  const credentials = ({ proof }: MeshStatus): HealthCheckResult | null =>
    judgeCredentials(proof, thresholds, nowSeconds());
  const cluster = (): StatusCluster => {
    const mesh = meshInUse();
    return statusCluster(teller, mesh, credentials(mesh));
  };
  const status = (): StatusDocument =>
    composeStatus({
      teller,
      health: health.getSystemHealth(),
      cluster: cluster(),
      agreedFault: agreedNodes.fault,
      nodes: sortedNodes(),
      pipeline: gate.view(),
      nowSeconds: nowSeconds(),
    });

  return {
    teller,
    orchestrator,
    events,
    health,
    onMeshEvent,
    applyReport: (nodeId, report) => {
      orchestrator.applyReport(nodeId, report, nowSeconds());
    },
    emit,
    tick,
    gate: () => gate.view(),
    cluster,
    nodes: () => statusNodes(sortedNodes()),
    daemons: () => statusDaemons(sortedNodes()),
    pipeline: () => statusPipeline(gate.view(), sortedNodes()),
    status,
    gpus: () => composeGpus(ownNodes(), nowSeconds()),
    members: () =>
      options
        .mesh()
        .members.map((member) => ({ ...member, retired: orchestrator.retirement(member.id) }))
        .sort(byRoleAndId),
    families: () => {
      const mesh = meshInUse();
      const { staleReports, nodesPastBound, nodesReplaced, checksPastBound } = orchestrator.dropped();
      return statusFamilies(status(), mesh, credentials(mesh), ownNodes(), {
        ...mesh.dropped,
        stale_report: staleReports,
        node_past_bound: nodesPastBound,
        node_replaced: nodesReplaced,
        check_past_bound: checksPastBound,
      });
    },
  };
}

/** A mass failure without the retired members; null when it was theirs alone. */
function withoutRetired(
  failure: MeshStatus["massFailure"],
  retired: readonly MemberView[],
): MeshStatus["massFailure"] {
  if (failure === null) return null;
  const agents = retired.filter(
    ({ role, link }) => role === "agent" && (link === "alive" || link === "suspect"),
  );
  const suspects = failure.suspects - agents.filter(({ link }) => link === "suspect").length;
  return suspects <= 0 ? null : { ...failure, suspects, agents: failure.agents - agents.length };
}

/** See docs/decisions/0003: evicted and provider_down nodes do no work, whatever their link says. */
function isOnline(node: NodeHealth): boolean {
  const linked = node.link === "alive" || node.link === "suspect";
  return linked && node.state !== "evicted" && node.state !== "provider_down" && node.state !== "offline";
}

function isFresh(node: NodeHealth, thresholds: ThresholdValues): boolean {
  return node.reportAgeSeconds !== null && node.reportAgeSeconds <= thresholds.REPORT_STALE_SECONDS;
}
