// core: pure
import type { NodeRecord } from "@ringrift/cluster-monitor";
import type { DaemonHealth, EventOccurrence, SignalState } from "@ringrift/protocol";

/** The transitions between two reports of one node: GPUs that turned unhealthy, daemons that changed, stages overdue. Pure. */
export function reportEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  return [...gpuEvents(before, after), ...daemonEvents(before, after), ...stageEvents(before, after)];
}

function gpuEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  const previous = new Map((before?.gpus ?? []).map((gpu) => [gpu.uuid, gpu.state]));
  const action = after.checks.find((check) => check.check === "gpu")?.action ?? "";
  return (after.gpus ?? [])
    .filter((gpu) => gpu.state === "unhealthy" && previous.get(gpu.uuid) !== "unhealthy")
    .map((gpu) => ({
      name: "GPU_ERROR",
      data: { nodeId: after.id, gpu: gpu.uuid, reason: gpu.reason, action },
    }));
}

function daemonEvents(before: NodeRecord | null, after: NodeRecord): EventOccurrence[] {
  const previous = new Map((before?.daemons ?? []).map((daemon) => [daemon.name, daemon.state]));
  return after.daemons
    .filter((daemon) => previous.get(daemon.name) !== daemon.state)
    .flatMap((daemon) => daemonEvent(after.id, daemon, previous.has(daemon.name)));
}

function daemonEvent(
  nodeId: string,
  { name, state, reason }: DaemonHealth,
  wasKnown: boolean,
): EventOccurrence[] {
  const data = { nodeId, daemon: name, reason };
  switch (state) {
    case "running":
      return [{ name: "DAEMON_STARTED", data }];
    case "stopped":
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
      data: { nodeId: after.id, stage, reason },
    }));
}
