import { z } from "zod";
import { RingRiftError } from "./errors.ts";
import { type CircuitState, circuitStates, type NodeState, nodeStates } from "./health.ts";
import { gpuErrorSeverities } from "./node-report.ts";

interface NodeEvent {
  readonly nodeId: string;
  readonly reason: string;
}
interface CheckEvent extends NodeEvent {
  readonly state: NodeState;
  readonly previous: NodeState;
}
interface DaemonEvent {
  readonly nodeId: string;
  readonly daemon: string;
  readonly reason: string;
}
interface CircuitEvent {
  readonly circuit: string;
  readonly state: CircuitState;
  readonly critical: boolean;
  readonly reason: string;
}
interface QuorumEvent {
  readonly have: number;
  readonly need: number;
}
interface PipelineEvent {
  readonly reasons: readonly string[];
}

/** The data of each event, by name. One spelling per field everywhere: `nodeId`, `daemon`. */
export interface EventDataByName {
  readonly HEALTH_CHECK_PASSED: CheckEvent;
  readonly HEALTH_CHECK_FAILED: CheckEvent;
  readonly COORDINATOR_HEALTHY: DaemonEvent;
  readonly COORDINATOR_UNHEALTHY: DaemonEvent;
  readonly NODE_SUSPECT: NodeEvent;
  readonly NODE_DOWN: NodeEvent;
  readonly NODE_UP: NodeEvent;
  readonly NODE_LEFT: NodeEvent;
  /** An operator took the node out of every count, with this reason. */
  readonly NODE_RETIRED: NodeEvent;
  /** The node counts again; `reason` says what for it had been retired. */
  readonly NODE_UNRETIRED: NodeEvent;
  /** Many agents turned suspect at once; nobody is declared down until `MASS_FAILURE_OVER`, for half a minute at most. */
  readonly MASS_FAILURE_HELD: { readonly suspects: number; readonly agents: number };
  readonly MASS_FAILURE_OVER: { readonly heldSeconds: number };
  readonly LEADER_ELECTED: { readonly leaderId: string; readonly term: number };
  readonly LEADER_LOST: { readonly leaderId: string; readonly reason: string };
  readonly QUORUM_LOST: QuorumEvent;
  readonly QUORUM_RESTORED: QuorumEvent;
  readonly DAEMON_STARTED: DaemonEvent;
  readonly DAEMON_STOPPED: DaemonEvent;
  readonly DAEMON_FAILED: DaemonEvent;
  readonly DAEMON_DEGRADED: DaemonEvent;
  readonly GPU_ERROR: {
    readonly nodeId: string;
    /** Its bus id, as sysfs spells it: a lost card has one too. */
    readonly gpu: string;
    readonly uuid?: string | undefined;
    readonly reason: string;
    readonly action: string;
    /** Of an error that the kernel log told: its code, weight and boot. */
    readonly xid?: number | undefined;
    readonly sxid?: number | undefined;
    readonly severity?: (typeof gpuErrorSeverities)[number] | undefined;
    readonly bootId?: string | undefined;
    /** When the kernel wrote it, seconds since 1970. */
    readonly at?: number | undefined;
  };
  readonly CIRCUIT_OPENED: CircuitEvent;
  readonly CIRCUIT_CLOSED: CircuitEvent;
  readonly PIPELINE_PAUSED: PipelineEvent;
  readonly PIPELINE_RESUMED: PipelineEvent;
  readonly PIPELINE_STAGE_OVERDUE: {
    readonly nodeId: string;
    readonly stage: string;
    readonly reason: string;
  };
}

export type EventName = keyof EventDataByName;

const id = z.string().min(1).max(200);
const reason = z.string().max(1000);
const nodeEvent = z.strictObject({ nodeId: id, reason });
const checkEvent = z.strictObject({
  nodeId: id,
  reason,
  state: z.enum(nodeStates),
  previous: z.enum(nodeStates),
});
const daemonEvent = z.strictObject({ nodeId: id, daemon: id, reason });
const circuitEvent = z.strictObject({
  circuit: id,
  state: z.enum(circuitStates),
  critical: z.boolean(),
  reason,
});
const quorumEvent = z.strictObject({ have: z.int().min(0), need: z.int().min(0) });
const pipelineEvent = z.strictObject({ reasons: z.array(reason).max(100) });

/** One schema per event, enforced where the event is emitted. */
export const eventSchemas: { readonly [Name in EventName]: z.ZodType<EventDataByName[Name]> } = {
  HEALTH_CHECK_PASSED: checkEvent,
  HEALTH_CHECK_FAILED: checkEvent,
  COORDINATOR_HEALTHY: daemonEvent,
  COORDINATOR_UNHEALTHY: daemonEvent,
  NODE_SUSPECT: nodeEvent,
  NODE_DOWN: nodeEvent,
  NODE_UP: nodeEvent,
  NODE_LEFT: nodeEvent,
  NODE_RETIRED: nodeEvent,
  NODE_UNRETIRED: nodeEvent,
  MASS_FAILURE_HELD: z.strictObject({ suspects: z.int().min(0), agents: z.int().min(0) }),
  MASS_FAILURE_OVER: z.strictObject({ heldSeconds: z.number().min(0) }),
  LEADER_ELECTED: z.strictObject({ leaderId: id, term: z.int().min(0) }),
  LEADER_LOST: z.strictObject({ leaderId: id, reason }),
  QUORUM_LOST: quorumEvent,
  QUORUM_RESTORED: quorumEvent,
  DAEMON_STARTED: daemonEvent,
  DAEMON_STOPPED: daemonEvent,
  DAEMON_FAILED: daemonEvent,
  DAEMON_DEGRADED: daemonEvent,
  GPU_ERROR: z.strictObject({
    nodeId: id,
    gpu: id,
    uuid: z.string().max(200).optional(),
    reason,
    action: reason,
    xid: z.int().optional(),
    sxid: z.int().optional(),
    severity: z.enum(gpuErrorSeverities).optional(),
    bootId: z.string().max(200).optional(),
    at: z.number().optional(),
  }),
  CIRCUIT_OPENED: circuitEvent,
  CIRCUIT_CLOSED: circuitEvent,
  PIPELINE_PAUSED: pipelineEvent,
  PIPELINE_RESUMED: pipelineEvent,
  PIPELINE_STAGE_OVERDUE: z.strictObject({ nodeId: id, stage: id, reason }),
};

/** One event as kept and sent. `seq` counts per emitter from 1; `time` is seconds since 1970; `epoch` is the leader's, null when none is known. */
export type HealthEvent = {
  readonly [Name in EventName]: {
    readonly seq: number;
    readonly emitter: string;
    readonly name: Name;
    readonly time: number;
    readonly epoch: string | null;
    readonly data: EventDataByName[Name];
  };
}[EventName];

/** What happened, before it is numbered. */
export type EventOccurrence = {
  readonly [Name in EventName]: { readonly name: Name; readonly data: EventDataByName[Name] };
}[EventName];

/**
 * Checks an occurrence against its schema.
 * @throws RingRiftError `EVENT_INVALID` naming the event and the field.
 */
export function checkEventData(occurrence: EventOccurrence): void {
  const parsed = eventSchemas[occurrence.name].safeParse(occurrence.data);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  throw new RingRiftError(
    `Event ${occurrence.name} has a bad field ${issue?.path.join(".") || "(root)"}: ${issue?.message ?? "invalid"}.`,
    { code: "EVENT_INVALID", nextStep: "This is a defect of the emitter; please report it." },
  );
}

/** An event as CloudEvents 1.0 JSON. */
export function toCloudEvent(event: HealthEvent): Record<string, unknown> {
  return {
    specversion: "1.0",
    id: `${event.emitter}/${event.seq}`,
    source: `/ringrift/${event.emitter}`,
    type: `io.ringrift.health.${event.name.toLowerCase()}`,
    time: new Date(event.time * 1000).toISOString(),
    datacontenttype: "application/json",
    ...(event.epoch === null ? {} : { epoch: event.epoch }),
    data: event.data,
  };
}
