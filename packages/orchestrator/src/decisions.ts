// core: pure
import { RingRiftError } from "@ringrift/protocol";
import { z } from "zod";

/** Most nodes that may be retired at once. */
export const maxRetired = 256;

/** Why and since when a node is retired. */
export interface Retirement {
  /** One line of at most 200 characters; empty when none was given. */
  readonly reason: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What an operator may propose. */
export type Proposal =
  | { readonly type: "retire"; readonly node: string; readonly reason: string; readonly at: number }
  | { readonly type: "unretire"; readonly node: string };

/** A reason that an operator gives. */
export const reasonSchema: z.ZodType<string> = z
  .string()
  .max(200, "longer than 200 characters")
  .regex(/^\P{Cc}*$/u, "holds a line break or another control character; one line of text is accepted");

// JSON and zod both treat `__proto__` as no ordinary key.
const nodeId = z
  .string()
  .regex(
    /^(?!__proto__$)[\w.:@[\]-]{1,128}$/,
    "not the id of a node: 1 to 128 letters, digits and . : @ [ ] _ - are accepted",
  );
const proposalSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("retire"), node: nodeId, reason: reasonSchema, at: z.number().min(0) }),
  z.strictObject({ type: z.literal("unretire"), node: nodeId }),
]);

// Read more widely than written: a newer server may say more of each node, and of other things.
const valueSchema = z.looseObject({
  retired: z.record(z.string(), z.looseObject({ reason: z.string(), at: z.number() })).default({}),
});

/** The proposal as the servers hand it on. */
export function proposalText(proposal: Proposal): string {
  return JSON.stringify(proposal);
}

/**
 * The retired nodes of an agreed value, by id; the empty value has none.
 *
 * @throws RingRiftError `DECISIONS_UNREADABLE`
 */
export function retiredNodes(value: string): ReadonlyMap<string, Retirement> {
  return new Map(Object.entries(readValue(value).retired));
}

/**
 * The value that follows from a proposal; the same one when it asks for what is so already. What it does not know in the
 * value it keeps. Pure.
 *
 * @throws RingRiftError `DECISIONS_UNREADABLE`, `PROPOSAL_INVALID`, `ALREADY_RETIRED`, `TOO_MANY_RETIRED`; the value stays as it was
 */
export function applyProposal(value: string, proposal: string): string {
  const decisions = readValue(value);
  const wanted = readProposal(proposal);
  const { node } = wanted;
  const { [node]: before, ...others } = decisions.retired;
  if (wanted.type === "unretire")
    return before === undefined ? value : JSON.stringify({ ...decisions, retired: others });
  if (before !== undefined) {
    if (wanted.reason === before.reason || wanted.reason === "") return value;
    throw new RingRiftError(
      `Node ${node} is retired already, ${before.reason === "" ? "without a reason" : `with the reason "${before.reason}"`}.`,
      { code: "ALREADY_RETIRED", nextStep: "To give another reason, un-retire it first." },
    );
  }
  const count = Object.keys(others).length;
  if (count >= maxRetired)
    throw new RingRiftError(`Node ${node} was not retired: ${count} nodes are, the most there may be.`, {
      code: "TOO_MANY_RETIRED",
      nextStep:
        "Un-retire those retired longest; once the servers have restarted, a node that is gone is not listed.",
    });
  const { reason, at } = wanted;
  return JSON.stringify({ ...decisions, retired: { ...others, [node]: { reason, at } } });
}

function readValue(value: string): z.infer<typeof valueSchema> {
  const parsed = valueSchema.safeParse(value === "" ? {} : json(value));
  if (parsed.success) return parsed.data;
  throw new RingRiftError(`What the servers agreed on cannot be read here: ${firstIssue(parsed.error)}.`, {
    code: "DECISIONS_UNREADABLE",
    nextStep: "Run the same version on every server.",
  });
}

function readProposal(proposal: string): Proposal {
  const parsed = proposalSchema.safeParse(json(proposal));
  if (parsed.success) return parsed.data;
  throw new RingRiftError(`The proposal was refused: ${firstIssue(parsed.error)}.`, {
    code: "PROPOSAL_INVALID",
    nextStep: "Run the same version on every server.",
  });
}

/** Undefined for a text that is no JSON: the schema then says what is missing. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function firstIssue({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".") || "(root)"}: ${message}`)[0] ?? "invalid";
}
