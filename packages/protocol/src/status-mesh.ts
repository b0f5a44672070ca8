import { z } from "zod";
import {
  type HealthCheckResultData,
  healthCheckResultSchema,
  type LinkState,
  linkStates,
  type NodeRole,
  nodeRoles,
} from "./health.ts";

/** Most entries of each list in {@link StatusMesh}; `/v1/members` has all members. */
export const maxMeshEntries = 100;

/** That an operator retired a node. */
export interface StatusRetirement {
  /** Empty when none was given. */
  readonly reason: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** A member as one node lists it. */
export interface StatusMember {
  readonly id: string;
  readonly role: NodeRole;
  readonly link: LinkState;
  /** Age of the last sign of life that reached any server; null when none ever did. */
  readonly lastSeenSeconds: number | null;
  /** Why the link is in this state. */
  readonly reason: string;
  /** Servers that miss it. */
  readonly accusers: readonly string[];
  readonly version: string;
  /** In `/v1/members`, of a member that an operator retired. */
  readonly retired?: StatusRetirement | null | undefined;
}

/** How much of the recent time had a leader. */
export interface StatusLeadership {
  /** Share of the window, or of the time since the start where that is shorter, 0-1; null before any time has passed. */
  readonly availability: number | null;
  readonly windowSeconds: number;
  /** How often another leader, or the same one in a later term, took over since the start. */
  readonly changes: number;
}

/**
 * Agents that turned suspect together: more likely one broken network or server than many broken hosts, so for half a minute nobody
 * is declared down.
 */
export interface StatusMassFailure {
  /** How long it has been held back. */
  readonly ageSeconds: number;
  /** Agents that are suspect now, of those that are neither down nor left. */
  readonly suspects: number;
  readonly agents: number;
}

/** One open link. */
export interface StatusLink {
  /** Node id. */
  readonly peer: string;
  readonly role: NodeRole;
  /** Who dialled. */
  readonly direction: "in" | "out";
  /** The key that the peer signed with; null without a keyring. */
  readonly kid: string | null;
  /** Age of the link. */
  readonly sinceSeconds: number;
  /** How long ago the peer was heard on it. */
  readonly heardSeconds: number;
  /** What the peer's newest heartbeat said of the cluster; null before the first, absent in the answer of an older version. */
  readonly says?:
    | {
        readonly leaderId: string | null;
        readonly epoch: string;
        /** Of a server: voters that it reaches, and how many make a majority. */
        readonly quorum: { readonly have: number; readonly need: number } | null;
      }
    | null
    | undefined;
  /** Bytes that the peer has not taken yet. */
  readonly waitingBytes: number;
}

/** A peer that was refused, or refused the node that tells; what it said of itself is not proven. */
export interface StatusRefusal {
  readonly reason: string;
  /** Where it came from, or what was dialled. */
  readonly address: string;
  readonly nodeId: string | null;
  /** The key that it signed with. */
  readonly kid: string | null;
  readonly ageSeconds: number;
}

/** What a node signs with now; instants in seconds since 1970, null for never and for what there is not. */
export interface StatusProof {
  /** The key that signs; where all have expired, the one that did last. */
  readonly kid: string | null;
  readonly keyExpiresAt: number | null;
  /** When no key is left; later than `keyExpiresAt` while the keyring holds the next one. */
  readonly keyringExpiresAt: number | null;
  readonly certificateExpiresAt: number | null;
}

/** The stamp of what the servers agreed on: two whole numbers and a dot, "0.0" before the first time. */
interface StatusAgreed {
  readonly stamp: string;
  /** False while no leader, or no etcd, says that it is the newest that a majority holds. */
  readonly confirmed: boolean;
}

/** What an operator wants to know of the mesh as one node sees it; each list has at most 100 entries. */
export interface StatusMesh {
  /** On the leader: age of a majority's newest acknowledgement. Null elsewhere. */
  readonly leaseAgeSeconds: number | null;
  readonly leadership: StatusLeadership;
  /** The mass failure that this server holds back; null for none, absent in the answer of an older version. */
  readonly massFailure?: StatusMassFailure | null | undefined;
  /** How new what the servers agreed on is, as this one knows it; null on agents, absent in the answer of an older version. */
  readonly agreed?: StatusAgreed | null | undefined;
  /** Members that are not alive: who misses them, and why. */
  readonly accusations: readonly StatusMember[];
  /** Open links, those with servers first. */
  readonly links: readonly StatusLink[];
  /** Refused peers by reason, since the start. */
  readonly refused: Readonly<Record<string, number>>;
  /** The newest of them first. */
  readonly refusedPeers: readonly StatusRefusal[];
  /** Settings in which linked nodes differ and should not, each in a sentence. */
  readonly warnings: readonly string[];
  readonly proof: StatusProof;
  /** How long that lasts still; null for a node without key and certificate. */
  readonly credentials: HealthCheckResultData | null;
}

const maybeNumber = z.number().nullable();
const maybeText = z.string().nullable();

export const statusRetirementSchema: z.ZodType<StatusRetirement> = z.object({
  reason: z.string(),
  at: z.number(),
});

export const statusMemberSchema: z.ZodType<StatusMember> = z.object({
  id: z.string(),
  role: z.enum(nodeRoles),
  link: z.enum(linkStates),
  lastSeenSeconds: maybeNumber,
  reason: z.string(),
  accusers: z.array(z.string()),
  version: z.string(),
  retired: statusRetirementSchema.nullish(),
});

export const statusMeshSchema: z.ZodType<StatusMesh> = z.object({
  leaseAgeSeconds: maybeNumber,
  leadership: z.object({ availability: maybeNumber, windowSeconds: z.number(), changes: z.number() }),
  massFailure: z
    .object({ ageSeconds: z.number(), suspects: z.number(), agents: z.number() })
    .nullable()
    .optional(),
  agreed: z.object({ stamp: z.string(), confirmed: z.boolean() }).nullable().optional(),
  accusations: z.array(statusMemberSchema),
  links: z.array(
    z.object({
      peer: z.string(),
      role: z.enum(nodeRoles),
      direction: z.enum(["in", "out"]),
      kid: maybeText,
      sinceSeconds: z.number(),
      heardSeconds: z.number(),
      says: z
        .object({
          leaderId: maybeText,
          epoch: z.string(),
          quorum: z.object({ have: z.number(), need: z.number() }).nullable(),
        })
        .nullable()
        .optional(),
      waitingBytes: z.number(),
    }),
  ),
  refused: z.record(z.string(), z.number()),
  refusedPeers: z.array(
    z.object({
      reason: z.string(),
      address: z.string(),
      nodeId: maybeText,
      kid: maybeText,
      ageSeconds: z.number(),
    }),
  ),
  warnings: z.array(z.string()),
  proof: z.object({
    kid: maybeText,
    keyExpiresAt: maybeNumber,
    keyringExpiresAt: maybeNumber,
    certificateExpiresAt: maybeNumber,
  }),
  credentials: healthCheckResultSchema.nullable(),
});
