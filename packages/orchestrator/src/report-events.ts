// core: pure
import type { NodeRecord } from "@ringrift/cluster-monitor";
import type { DaemonHealth, DaemonState, EventOccurrence, GpuStatus, SignalState } from "@ringrift/protocol";
import { eventReason } from "./reason.ts";

/** Reports may leave a name empty, events may not. */
const unnamed = "(unnamed)";

/** An error found longer ago is no news to a server that has just heard of the node for the first time. */
const newsSeconds = 300;

/** What happened between two reports of one node: GPUs that turned unhealthy or made an error, daemons that changed, stages overdue. Pure. */
export function reportEvents(
  before: NodeRecord | null,
  after: NodeRecord,
  nowSeconds: number,
): EventOccurrence[] {
  return [
    ...gpuEvents(before, after),
    ...gpuErrorEvents(before, after, nowSeconds),
    ...daemonEvents(before, after),
    ...stageEvents(before, after),
  ];
}

/** Errors of the kernel log that neither the report before nor an earlier start of the agent has told of. */
function gpuErrorEvents(before: NodeRecord | null, after: NodeRecord, nowSeconds: number): EventOccurrence[] {
  const known = before?.gpuErrors ?? null;
  const ids = new Set(known?.map((error) => error.id));
  return (after.gpuErrors ?? [])
    .filter((error) => !error.toldBefore && !ids.has(error.id))
    .filter((error) => known !== null || nowSeconds - error.foundAt <= newsSeconds)
    .map(({ gpu, uuid, reason, action, xid, sxid, severity, bootId, at }) => ({
      name: "GPU_ERROR",
      data: {
        nodeId: after.id,
        gpu,
        ...uuidOf(uuid),
        reason: eventReason(reason),
        action: eventReason(action),
        ...(xid === null ? {} : { xid }),
        ...(sxid === null ? {} : { sxid }),
        severity,
        bootId,
        at,
      },
    }));
}

function gpuEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  const previous = new Map((before?.gpus ?? []).map((gpu) => [gpuName(gpu), gpu.state]));
  const action = after.checks.find((check) => check.check === "gpu")?.action ?? "";
  return (after.gpus ?? [])
    .filter((gpu) => gpu.state === "unhealthy" && previous.get(gpuName(gpu)) !== "unhealthy")
    .map((gpu) => ({
      name: "GPU_ERROR",
      data: {
        nodeId: after.id,
        gpu: gpuName(gpu),
        ...uuidOf(gpu.uuid),
        reason: eventReason(gpu.reason),
        action: eventReason(action),
      },
    }));
}

/** The name that the kernel log gives too; a GPU that was lost before it was ever listed has no uuid. */
function gpuName(gpu: GpuStatus): string {
  return gpu.busId || gpu.uuid || `index ${gpu.index ?? "unknown"}`;
}

function uuidOf(uuid: string | undefined): { readonly uuid?: string } {
  return uuid === undefined || uuid === "" ? {} : { uuid };
}

function daemonEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  const previous = new Map((before?.daemons ?? []).map((daemon) => [daemon.name, phaseOf(daemon.state)]));
  return after.daemons
    .filter((daemon) => previous.get(daemon.name) !== phaseOf(daemon.state))
    .flatMap((daemon) => daemonEvent(after.id, daemon, previous.has(daemon.name)));
}

/** A crash passes through failed and restarting; that is one failure. */
function phaseOf(state: DaemonState): DaemonState {
  return state === "restarting" ? "failed" : state;
}

function daemonEvent(
  nodeId: string,
  { name, state, reason }: DaemonHealth,
  wasKnown: boolean,
): EventOccurrence[] {
  const data = { nodeId, daemon: name || unnamed, reason: eventReason(reason) };
  switch (state) {
    case "running":
      return [{ name: "DAEMON_STARTED", data }];
    case "stopped":
    case "completed":
      // The first report of a daemon that was never started here is no transition.
      return wasKnown ? [{ name: "DAEMON_STOPPED", data }] : [];
    case "failed":
    case "restarting":
    case "start_refused":
    case "stuck":
      return [{ name: "DAEMON_FAILED", data }];
    case "degraded":
      return [{ name: "DAEMON_DEGRADED", data }];
    default:
      return [];
  }
}

function stageEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  const overdue = (state: SignalState | undefined): boolean => state === "degraded" || state === "unhealthy";
  const previous = new Map((before?.stages ?? []).map((stage) => [stage.stage, stage.state]));
  return after.stages
    .filter((stage) => overdue(stage.state) && !overdue(previous.get(stage.stage)))
    .map(({ stage, reason }) => ({
      name: "PIPELINE_STAGE_OVERDUE",
      data: { nodeId: after.id, stage: stage || unnamed, reason: eventReason(reason) },
    }));
}
