import { z } from "zod";
import { type LinkState, linkStates, type NodeRole, nodeRoles } from "./health.ts";

/** Most entries of each list in {@link StatusMesh}; `/v1/members` has all members. */
export const maxMeshEntries = 100;

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
}

/** What an operator wants to know of the mesh as one node sees it; each list has at most 100 entries. */
export interface StatusMesh {
  /** On the leader: age of a majority's newest acknowledgement. Null elsewhere. */
  readonly leaseAgeSeconds: number | null;
  readonly leadership: {
    /** Share of the window with a known leader, 0-1; null before any time has passed. */
    readonly availability: number | null;
    readonly windowSeconds: number;
    readonly changes: number;
  };
  /** Members that are not alive: who misses them, and why. */
  readonly accusations: readonly StatusMember[];
  /** Open links, those with servers first. */
  readonly links: readonly {
    readonly peer: string;
    readonly role: NodeRole;
    readonly direction: "in" | "out";
    readonly kid: string | null;
    readonly sinceSeconds: number;
    readonly heardSeconds: number;
    readonly waitingBytes: number;
  }[];
  /** Refused peers by reason, since the start. */
  readonly refused: Readonly<Record<string, number>>;
  /** The newest of them first; what they said of themselves is not proven. */
  readonly refusedPeers: readonly {
    readonly reason: string;
    readonly address: string;
    readonly nodeId: string | null;
    readonly kid: string | null;
    readonly ageSeconds: number;
  }[];
  /** What this node signs with; instants in seconds since 1970, null for never and for what there is not. */
  readonly proof: {
    readonly kid: string | null;
    readonly keyExpiresAt: number | null;
    readonly certificateExpiresAt: number | null;
  };
}

const maybeNumber = z.number().nullable();
const maybeText = z.string().nullable();

export const statusMemberSchema: z.ZodType<StatusMember> = z.object({
  id: z.string(),
  role: z.enum(nodeRoles),
  link: z.enum(linkStates),
  lastSeenSeconds: maybeNumber,
  reason: z.string(),
  accusers: z.array(z.string()),
  version: z.string(),
});

export const statusMeshSchema: z.ZodType<StatusMesh> = z.object({
  leaseAgeSeconds: maybeNumber,
  leadership: z.object({ availability: maybeNumber, windowSeconds: z.number(), changes: z.number() }),
  accusations: z.array(statusMemberSchema),
  links: z.array(
    z.object({
      peer: z.string(),
      role: z.enum(nodeRoles),
      direction: z.enum(["in", "out"]),
      kid: maybeText,
      sinceSeconds: z.number(),
      heardSeconds: z.number(),
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
  proof: z.object({ kid: maybeText, keyExpiresAt: maybeNumber, certificateExpiresAt: maybeNumber }),
});
