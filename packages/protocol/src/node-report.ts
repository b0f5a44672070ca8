import { z } from "zod";
import { type CheckReport, checkReportSchema, type SignalState, signalStates } from "./check-report.ts";
import { type CircuitState, circuitStates, type DaemonState, daemonStates } from "./health.ts";

/** One GPU as the node sees it. `index` and `busId` are nvidia-smi's; a lost GPU keeps its bus id and is unhealthy. */
export interface GpuStatus {
  readonly index: number | null;
  readonly uuid: string;
  /** As sysfs spells it, `0000:3b:00.0`: the card's name everywhere. */
  readonly busId: string;
  readonly name: string;
  readonly state: SignalState;
  readonly reason: string;
  /** 0-1, null when unknown. */
  readonly utilizationRatio: number | null;
}

export const gpuErrorSeverities = ["info", "warning", "error", "critical"] as const;

/** One error that the kernel log told of a GPU (`xid`) or an NVSwitch (`sxid`). Times are seconds since 1970. */
export interface GpuError {
  /** The same for ever: boot and place in its log. */
  readonly id: string;
  /** Bus id as sysfs spells it, such as `0000:3b:00.0`. */
  readonly gpu: string;
  /** Of the card at that bus id; absent while nobody has told it, and for a switch. */
  readonly uuid?: string | undefined;
  readonly xid: number | null;
  readonly sxid: number | null;
  readonly severity: (typeof gpuErrorSeverities)[number];
  readonly reason: string;
  readonly action: string;
  readonly bootId: string;
  readonly at: number;
  /** When the agent read it, which may be long after. */
  readonly foundAt: number;
  /** An earlier start of the agent has told of it. */
  readonly toldBefore: boolean;
}

/** Capacity and use of one host; null is unknown. Ratios are 0-1. */
export interface NodeResources {
  readonly cpuCores: number | null;
  readonly cpuUtilizationRatio: number | null;
  readonly memoryUsedRatio: number | null;
  readonly gpuUtilizationRatio: number | null;
}

export interface DaemonHealth {
  readonly name: string;
  readonly state: DaemonState;
  readonly critical: boolean;
  readonly ready: boolean;
  readonly pid: number | null;
  readonly restarts: number;
  /** Failures over health checks in the sliding window, 0-1; null while too few were made. */
  readonly errorRate: number | null;
  readonly uptimeSeconds: number | null;
  /** Cores that its whole tree of processes keeps busy, resident bytes of that tree; null while unknown. */
  readonly cpuCores: number | null;
  readonly memoryBytes: number | null;
  /** How its last run ended and how long ago; null before the first end. */
  readonly lastExit: string | null;
  readonly lastExitAgeSeconds: number | null;
  /** Why it is in this state: last exit, missing program, failed health check. */
  readonly reason: string;
}

export interface StageReport {
  readonly stage: string;
  readonly state: SignalState;
  readonly reason: string;
  /** Ages in seconds, null when never seen. */
  readonly progressAgeSeconds: number | null;
  readonly successAgeSeconds: number | null;
  readonly dataAgeSeconds: number | null;
  readonly limitSeconds: number;
}

export interface CircuitStatus {
  readonly name: string;
  readonly state: CircuitState;
  /** An open critical circuit pauses the pipeline. */
  readonly critical: boolean;
}

/**
 * What an agent tells the servers of its host. Sent in full on connect; later only sections that changed and checks
 * that ran again (`full: false`). `gpus: null` is unknown, `[]` is a host without any.
 */
/** Where a node's own pages are asked for. */
export interface NodeEndpoint {
  /** Address or name, an IPv6 address without brackets; of loopback: only from the same host. */
  readonly host: string;
  readonly port: number;
}

export interface NodeReport {
  readonly full: boolean;
  /** Numbered per process start of the node, so that an older report never overwrites a newer one. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly sentAt: number;
  readonly version: string;
  readonly startedAt: number;
  readonly checks: readonly CheckReport[];
  readonly gpus?: readonly GpuStatus[] | null | undefined;
  readonly resources?: NodeResources | undefined;
  readonly daemons?: readonly DaemonHealth[] | undefined;
  readonly stages?: readonly StageReport[] | undefined;
  readonly circuits?: readonly CircuitStatus[] | undefined;
  /** The last errors of GPUs in the kernel log, oldest first. */
  readonly gpuErrors?: readonly GpuError[] | undefined;
  /** Checks that have not ended a run since this start of the node; nothing is known of what they look at. */
  readonly pendingChecks?: readonly string[] | undefined;
  /** How many GPUs the host should have, when the operator says so. */
  readonly expectedGpus?: number | undefined;
  /** Where the host comes from, when the operator says so. */
  readonly provider?: string | undefined;
  /** Absent while the node does not know by which address it is reached. */
  readonly endpoint?: NodeEndpoint | undefined;
}

const short = z.string().max(200);
const ratio = z.number().min(0).max(1).nullable();
const age = z.number().nullable();

export const daemonHealthSchema: z.ZodObject<{
  readonly [Key in keyof DaemonHealth]: z.ZodType<DaemonHealth[Key]>;
}> = z.object({
  name: short,
  state: z.enum(daemonStates),
  critical: z.boolean(),
  ready: z.boolean(),
  pid: z.int().nullable(),
  restarts: z.int().min(0),
  errorRate: ratio,
  uptimeSeconds: z.number().nullable(),
  cpuCores: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  lastExit: z.string().max(1000).nullable(),
  lastExitAgeSeconds: z.number().nullable(),
  reason: z.string().max(1000),
});

export const gpuErrorSchema: z.ZodType<GpuError> = z.object({
  id: short,
  gpu: short.min(1),
  uuid: short.optional(),
  xid: z.int().min(0).nullable(),
  sxid: z.int().min(0).nullable(),
  severity: z.enum(gpuErrorSeverities),
  reason: z.string().max(1000),
  action: z.string().max(1000),
  bootId: short,
  at: z.number(),
  foundAt: z.number(),
  toldBefore: z.boolean(),
});

export const nodeReportSchema: z.ZodType<NodeReport> = z.object({
  full: z.boolean(),
  seq: z.int().min(0),
  sentAt: z.number(),
  version: short,
  startedAt: z.number(),
  checks: z.array(checkReportSchema).max(200),
  gpus: z
    .array(
      z.object({
        index: z.int().nullable(),
        uuid: short,
        busId: short,
        name: short,
        state: z.enum(signalStates),
        reason: z.string().max(1000),
        utilizationRatio: ratio,
      }),
    )
    .max(64)
    .nullable()
    .optional(),
  resources: z
    .object({
      cpuCores: z.number().nullable(),
      cpuUtilizationRatio: ratio,
      memoryUsedRatio: ratio,
      gpuUtilizationRatio: ratio,
    })
    .optional(),
  daemons: z.array(daemonHealthSchema).max(500).optional(),
  stages: z
    .array(
      z.object({
        stage: short,
        state: z.enum(signalStates),
        reason: z.string().max(1000),
        progressAgeSeconds: age,
        successAgeSeconds: age,
        dataAgeSeconds: age,
        limitSeconds: z.number(),
      }),
    )
    .max(100)
    .optional(),
  circuits: z
    .array(z.object({ name: short, state: z.enum(circuitStates), critical: z.boolean() }))
    .max(100)
    .optional(),
  gpuErrors: z.array(gpuErrorSchema).max(64).optional(),
  pendingChecks: z.array(short).max(200).optional(),
  expectedGpus: z.int().min(0).optional(),
  provider: short.optional(),
  endpoint: z.object({ host: short.min(1), port: z.int().min(1).max(65_535) }).optional(),
});
