import { z } from "zod";
import {
  type Frame,
  type FrameType,
  maxAgreedLength,
  maxFrameBytes,
  maxFrameDepth,
  maxMembersPerFrame,
  maxProposalLength,
} from "./frames.ts";
import { linkStates, nodeRoles } from "./health.ts";
import { nodeReportSchema } from "./node-report.ts";

const nodeId = z.string().regex(/^[\w.:@[\]-]{1,128}$/);
const short = z.string().max(200);
const count = z.int().min(0);
const nonce = z.string().regex(/^[0-9a-f]{64}$/);
const mac = z.union([z.string().regex(/^[0-9a-f]{64}$/), z.null()]);
const incarnation = z.object({ boot: count, counter: count });
const epoch = z.string().regex(/^\d{1,16}\.\d{1,16}$/);

const milliseconds = z.number().min(0).max(1e9);

// Who one side of a link says it is; with a key the proof covers every field.
const identity = {
  version: count,
  oldestVersion: count,
  clusterId: short,
  role: z.enum(nodeRoles),
  nodeId,
  instance: z.string().regex(/^[0-9a-f-]{36}$/),
  voter: z.union([nodeId, z.null()]),
  votersDigest: short,
  boot: count,
  programVersion: short,
  timing: z.object({
    heartbeatMs: milliseconds,
    election: z.union([
      z.object({
        heartbeatMs: milliseconds,
        electionTimeoutMinMs: milliseconds,
        electionTimeoutMaxMs: milliseconds,
        leaseMs: milliseconds,
      }),
      z.null(),
    ]),
  }),
  nonce,
  kid: z.union([short, z.null()]),
};

const memberSchema = z.object({
  id: nodeId,
  role: z.enum(nodeRoles),
  link: z.enum(linkStates),
  lastSeenMs: z.union([z.number().min(0), z.null()]),
  reason: short,
  accusers: z.array(nodeId).max(7),
  version: short,
});

const memberReason = z.union([
  z.enum(["heard", "relayed", "silence", "close", "refused", "leave", "flapping", "other"]),
  // What only a newer server knows is no reason to end the link.
  z
    .string()
    .max(40)
    .transform(() => "other" as const),
]);
const observationSchema = z.object({
  member: nodeId,
  role: z.enum(nodeRoles),
  incarnation,
  homes: z.array(nodeId).max(7),
  state: z.enum(linkStates),
  reason: memberReason,
  heardMsAgo: z.union([z.number().min(0), z.null()]),
  closedMsAgo: z.union([z.number().min(0), z.null()]),
  // What the agent's own link told this server, so that the others can name its version too.
  programVersion: short,
  nodeId: nodeId.optional(),
});

const verdictMemberSchema = z.object({
  member: nodeId,
  role: z.enum(nodeRoles),
  incarnation,
  state: z.enum(linkStates),
  reason: memberReason,
  accusers: z.array(nodeId).max(7),
});

const stamp = z.object({ term: count, version: count });
const copy = stamp.extend({ value: z.string().max(maxAgreedLength) });

const electionMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("pre_vote"), term: count }),
  z.object({
    type: z.literal("pre_vote_reply"),
    term: count,
    granted: z.boolean(),
    voterTerm: count,
    copy: copy.optional(),
  }),
  z.object({ type: z.literal("vote"), term: count, transfer: z.boolean(), stamp: stamp.optional() }),
  z.object({
    type: z.literal("vote_reply"),
    term: count,
    granted: z.boolean(),
    quietMs: z.number().min(0),
    copy: copy.optional(),
  }),
  z.object({
    type: z.literal("lead"),
    term: count,
    sentAt: z.number(),
    copy: copy.optional(),
    agreed: stamp.optional(),
  }),
  z.object({ type: z.literal("lead_reply"), term: count, sentAt: z.number(), stamp: stamp.optional() }),
  z.object({ type: z.literal("timeout_now"), term: count }),
]);

const electionKinds: ReadonlySet<string> = new Set(
  electionMessageSchema.options.map(({ shape }) => shape.type.value),
);
const kindOnlySchema = z.object({
  type: z.literal("election"),
  message: z.object({ type: z.string() }),
});

const quorumSchema = z.object({
  configured: z.boolean(),
  held: z.boolean(),
  have: count,
  need: count,
  voters: z.array(z.object({ id: nodeId, reachable: z.boolean() })).max(7),
});

const helloSchema = z.object({ type: z.literal("hello"), ...identity });
const challengeSchema = z.object({ type: z.literal("challenge"), ...identity, mac });
const proofSchema = z.object({ type: z.literal("proof"), mac });
const welcomeSchema = z.object({ type: z.literal("welcome") });
const refusedSchema = z.object({ type: z.literal("refused") });
const heartbeatSchema = z.object({
  type: z.literal("heartbeat"),
  seq: count,
  incarnation,
  loopLagMs: z.number().min(0),
  epoch,
  leaderId: z.union([nodeId, z.null()]),
  quorum: z.object({ have: count, need: count }).optional(),
});
const statusSchema = z.object({
  type: z.literal("status"),
  leaderId: z.union([nodeId, z.null()]),
  leaderVoter: z.union([nodeId, z.null()]),
  term: count,
  epoch,
  quorum: quorumSchema,
  members: z.array(memberSchema).max(maxMembersPerFrame),
  full: z.boolean(),
});
const reportSchema = z.object({ type: z.literal("report"), nodeId, report: nodeReportSchema });
const observationsSchema = z.object({
  type: z.literal("observations"),
  observations: z.array(observationSchema).max(maxMembersPerFrame),
});
const electionSchema = z.object({ type: z.literal("election"), message: electionMessageSchema });
const verdictSchema = z.object({
  type: z.literal("verdict"),
  term: count,
  members: z.array(verdictMemberSchema).max(maxMembersPerFrame),
});
const proposeSchema = z.object({
  type: z.literal("propose"),
  id: count,
  proposal: z.string().max(maxProposalLength),
});
const proposed = { type: z.literal("proposed"), id: count };
const proposedSchema = z.discriminatedUnion("ok", [
  z.object({ ...proposed, ok: z.literal(true), value: z.string().max(maxAgreedLength), stamp: epoch }),
  z.object({
    ...proposed,
    ok: z.literal(false),
    code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
    message: z.string().max(500),
    nextStep: z.union([z.string().max(500), z.null()]),
  }),
]);
const clockQuerySchema = z.object({ type: z.literal("clock_query"), askedAt: z.number() });
const clockReplySchema = z.object({
  type: z.literal("clock_reply"),
  askedAt: z.number(),
  wallMs: z.number().min(0).max(1e15),
});
const leaveSchema = z.object({ type: z.literal("leave") });

// One schema per frame; the compiler holds each to the type that it stands for.
const schemaOf: { readonly [Type in FrameType]: z.ZodType<Extract<Frame, { type: Type }>> } = {
  hello: helloSchema,
  challenge: challengeSchema,
  proof: proofSchema,
  welcome: welcomeSchema,
  refused: refusedSchema,
  heartbeat: heartbeatSchema,
  status: statusSchema,
  report: reportSchema,
  observations: observationsSchema,
  election: electionSchema,
  verdict: verdictSchema,
  propose: proposeSchema,
  proposed: proposedSchema,
  clock_query: clockQuerySchema,
  clock_reply: clockReplySchema,
  leave: leaveSchema,
};
const schemas: ReadonlyMap<string, z.ZodType<Frame>> = new Map(Object.entries(schemaOf));

/** Why a text is no frame; `unknown_type` is what a newer peer may send and is no fault of the link. */
export interface RefusedFrame {
  readonly refused: "too_large" | "not_json" | "too_deep" | "forbidden_key" | "unknown_type" | "bad_fields";
  /** Which field and why, at most 200 characters; never the value. */
  readonly detail: string;
}

/** Reads one frame of untrusted text. Fields that the schema does not name are dropped; nothing is thrown. */
export function decodeFrame(text: string): Frame | RefusedFrame {
  if (text.length > maxFrameBytes || (text.length * 3 > maxFrameBytes && byteLength(text) > maxFrameBytes))
    return { refused: "too_large", detail: `more than ${maxFrameBytes} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { refused: "not_json", detail: "no JSON" };
  }
  const shape = checkShape(value, 0);
  if (shape !== null) return { refused: shape, detail: shape };
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const schema = typeof type === "string" ? schemas.get(type) : undefined;
  if (schema === undefined) return { refused: "unknown_type", detail: typeText(type) };
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const unknownKind = unknownElectionKind(value);
  if (unknownKind !== null)
    return { refused: "unknown_type", detail: `election ${unknownKind}`.slice(0, 40) };
  const issue = parsed.error.issues[0];
  return { refused: "bad_fields", detail: `${issue?.path.join(".")}: ${issue?.message}`.slice(0, 200) };
}

/** What is no text is not made one: the conversion is the sender's to break, by `{"toString":1}`. */
function typeText(type: unknown): string {
  return typeof type === "string" ? type.slice(0, 40) : `a type that is no text but ${typeof type}`;
}

/** The kind of an election's message that only a newer voter knows; null for any other frame. */
function unknownElectionKind(value: unknown): string | null {
  const kind = kindOnlySchema.safeParse(value).data?.message.type;
  return kind === undefined || electionKinds.has(kind) ? null : kind;
}

/** A frame as text; whether it fits is checked where it is sent. */
export function encodeFrame(frame: Frame): string {
  return JSON.stringify(frame);
}

export function isRefused(decoded: Frame | RefusedFrame): decoded is RefusedFrame {
  return "refused" in decoded;
}

type ShapeProblem = "too_deep" | "forbidden_key";

function checkShape(value: unknown, depth: number): ShapeProblem | null {
  if (typeof value !== "object" || value === null) return null;
  if (depth >= maxFrameDepth) return "too_deep";
  if (Array.isArray(value)) return firstProblem(value, depth);
  // Not its entries: a pair for every field of every frame was a seventh of what a busy server threw away.
  if (Object.hasOwn(value, "__proto__")) return "forbidden_key";
  return firstProblem(Object.values(value), depth);
}

function firstProblem(children: readonly unknown[], depth: number): ShapeProblem | null {
  for (const child of children) {
    const problem = checkShape(child, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
