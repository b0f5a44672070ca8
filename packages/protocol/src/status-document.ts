import { z } from "zod";
import { type SignalState, signalStates } from "./check-report.ts";
import {
  type HealthLevel,
  type HealthStatus,
  healthLevels,
  healthStatuses,
  type LinkState,
  linkStates,
  type NodeRole,
  type NodeState,
  nodeRoles,
  nodeStates,
} from "./health.ts";
import { type DaemonHealth, daemonHealthSchema, type GpuError, gpuErrorSchema } from "./node-report.ts";
import {
  type StatusMesh,
  type StatusRetirement,
  statusMeshSchema,
  statusRetirementSchema,
} from "./status-mesh.ts";

/** Version of the `/status` document; a reader refuses another major. */
export const statusSchemaName = "ringrift.status/1";

export interface StatusComponent {
  /** 0-100, null when not known. */
  readonly score: number | null;
  readonly weight: number;
  readonly known: boolean;
  readonly detail: string;
}

/** One node in `/status`. Ages are seconds at the document's `timestamp`; null is never seen. */
export interface StatusNode {
  readonly id: string;
  readonly role: NodeRole;
  readonly link: LinkState;
  readonly state: NodeState;
  readonly status: HealthStatus | "unknown";
  readonly score: number | null;
  readonly lastSeenSeconds: number | null;
  readonly reportAgeSeconds: number | null;
  readonly gpus: { readonly total: number; readonly healthy: number } | null;
  readonly reasons: readonly string[];
  /** Null for a node that counts; absent in the answer of an older version. */
  readonly retired?: StatusRetirement | null | undefined;
  /** The last errors that the kernel log told of GPUs, oldest first, at most 8. */
  readonly gpuErrors: readonly GpuError[];
}

/** One daemon as its node reported it last, which was `reportAgeSeconds` of that node ago; null is not known. */
export interface StatusDaemon extends DaemonHealth {
  readonly node: string;
}

export interface StatusStage {
  readonly node: string;
  readonly stage: string;
  readonly state: SignalState;
  readonly reason: string;
}

export interface StatusCluster {
  readonly id: string;
  readonly leaderId: string | null;
  readonly epoch: string;
  readonly elector: string;
  readonly quorum: {
    readonly held: boolean;
    readonly have: number;
    readonly need: number;
    readonly voters: readonly { readonly id: string; readonly reachable: boolean }[];
  };
  /** Members by state of their link; retired ones are not among them. */
  readonly counts: { readonly [State in LinkState]: number };
  /** Age of what this node knows of leader and quorum, seconds; null when it never heard. */
  readonly ageSeconds: number | null;
  /** Links, accusations, lease and refusals; absent in the answer of an older version. */
  readonly mesh?: StatusMesh | undefined;
}

/** The answer of `GET /status`, of a server for the cluster and of an agent for its own host. */
export interface StatusDocument {
  readonly schema: string;
  readonly node: {
    readonly id: string;
    readonly role: NodeRole;
    readonly version: string;
    readonly uptimeSeconds: number;
  };
  readonly score: number | null;
  readonly level: HealthLevel;
  readonly partial: boolean;
  readonly reasons: readonly string[];
  readonly components: {
    readonly nodeAvailability: StatusComponent;
    readonly circuitHealth: StatusComponent;
    readonly errorRate: StatusComponent;
    readonly recovery: StatusComponent;
  };
  readonly cluster: StatusCluster;
  readonly nodes: readonly StatusNode[];
  readonly daemons: readonly StatusDaemon[];
  readonly pipeline: {
    readonly state: "running" | "paused";
    readonly reasons: readonly string[];
    readonly stages: readonly StatusStage[];
  };
  readonly alerts: readonly unknown[];
  /** Seconds since 1970. */
  readonly timestamp: number;
}

const component = z.object({
  score: z.number().nullable(),
  weight: z.number(),
  known: z.boolean(),
  detail: z.string(),
});
const count = z.number();

export const statusDocumentSchema: z.ZodType<StatusDocument> = z.object({
  schema: z.literal(statusSchemaName),
  node: z.object({ id: z.string(), role: z.enum(nodeRoles), version: z.string(), uptimeSeconds: z.number() }),
  score: z.number().nullable(),
  level: z.enum(healthLevels),
  partial: z.boolean(),
  reasons: z.array(z.string()),
  components: z.object({
    nodeAvailability: component,
    circuitHealth: component,
    errorRate: component,
    recovery: component,
  }),
  cluster: z.object({
    id: z.string(),
    leaderId: z.string().nullable(),
    epoch: z.string(),
    elector: z.string(),
    quorum: z.object({
      held: z.boolean(),
      have: z.number(),
      need: z.number(),
      voters: z.array(z.object({ id: z.string(), reachable: z.boolean() })),
    }),
    counts: z.object({ alive: count, suspect: count, down: count, left: count }),
    ageSeconds: z.number().nullable(),
    mesh: statusMeshSchema.optional(),
  }),
  nodes: z.array(
    z.object({
      id: z.string(),
      role: z.enum(nodeRoles),
      link: z.enum(linkStates),
      state: z.enum(nodeStates),
      status: z.enum([...healthStatuses, "unknown"]),
      score: z.number().nullable(),
      lastSeenSeconds: z.number().nullable(),
      reportAgeSeconds: z.number().nullable(),
      gpus: z.object({ total: z.number(), healthy: z.number() }).nullable(),
      reasons: z.array(z.string()),
      retired: statusRetirementSchema.nullish(),
      gpuErrors: z.array(gpuErrorSchema),
    }),
  ),
  daemons: z.array(daemonHealthSchema.extend({ node: z.string() })),
  pipeline: z.object({
    state: z.enum(["running", "paused"]),
    reasons: z.array(z.string()),
    stages: z.array(
      z.object({ node: z.string(), stage: z.string(), state: z.enum(signalStates), reason: z.string() }),
    ),
  }),
  alerts: z.array(z.unknown()),
  timestamp: z.number(),
});
