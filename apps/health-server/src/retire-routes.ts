import { authorizeChanges, type EndpointsApp, jsonBody, type Problem, problem } from "@ringrift/endpoints";
import type { Mesh } from "@ringrift/mesh";
import { type Proposal, proposalText, reasonSchema, retiredNodes } from "@ringrift/orchestrator";
import type { Overview } from "@ringrift/overview";
import { RingRiftError } from "@ringrift/protocol";
import type { Context } from "hono";
import { z } from "zod";

const retireBody = z.strictObject({ reason: reasonSchema.default("") });
const unretireBody = z.strictObject({});

export interface RetireParts {
  readonly mesh: Pick<Mesh, "propose">;
  readonly overview: Pick<Overview, "orchestrator" | "onMeshEvent">;
  readonly token: string | null;
  readonly nowSeconds: () => number;
}

/** Where an operator says that a node is gone on purpose, and that it is back; on any server, which asks the leader. */
export function addRetireRoutes(app: EndpointsApp, parts: RetireParts): void {
  const guard = authorizeChanges(parts.token);
  app.post("/v1/nodes/:id/retire", guard, async (context) => {
    const node = context.req.param("id");
    const body = await jsonBody(context, retireBody, "optional");
    if (!body.ok) return body.response;
    const { reason } = body.value;
    return decide(context, parts, { type: "retire", node, reason, at: parts.nowSeconds() });
  });
  app.post("/v1/nodes/:id/unretire", guard, async (context) => {
    const node = context.req.param("id");
    const body = await jsonBody(context, unretireBody, "optional");
    return body.ok ? decide(context, parts, { type: "unretire", node }) : body.response;
  });
}

async function decide(
  context: Context,
  { mesh, overview }: RetireParts,
  proposal: Proposal,
): Promise<Response> {
  const { node } = proposal;
  const known = overview.orchestrator.getNodeHealth(node);
  if (known === null)
    return problem(context, {
      status: 404,
      title: "No such node",
      code: "NODE_UNKNOWN",
      detail: `Node ${node} is not known here; /v1/nodes lists those that are.`,
    });
  if (known.role === "server")
    return problem(context, {
      status: 409,
      title: "Not a node that can be retired",
      code: "NODE_IS_SERVER",
      detail: `${node} is a health-server: it votes, and counts as no capacity. To be without it, take it out of RINGRIFT_SERVERS on every node.`,
    });
  try {
    const agreed = await mesh.propose(proposalText(proposal));
    // Who asks this server next shall find it so.
    overview.onMeshEvent({ type: "agreed", agreed });
    const retired = retiredNodes(agreed.value).get(node) ?? null;
    return context.json({ schema: "ringrift.retirement/1", node, retired, stamp: agreed.stamp });
  } catch (error) {
    if (!(error instanceof RingRiftError)) throw error;
    return refusal(context, error);
  }
}

const notNow = { status: 503, title: "Not possible now" } as const;
const refused = { status: 409, title: "Refused" } as const;
const answers: Readonly<Record<string, Pick<Problem, "status" | "title">>> = {
  NO_LEADER: notNow,
  PROPOSALS_FULL: notNow,
  AGREED_MOVED: notNow,
  NO_PROPOSALS: notNow,
  DECISIONS_UNREADABLE: notNow,
  NOT_AGREED: { status: 504, title: "Outcome unknown" },
  ALREADY_RETIRED: refused,
  TOO_MANY_RETIRED: refused,
  AGREED_TOO_LONG: refused,
  PROPOSAL_INVALID: { status: 400, title: "Refused" },
};

function refusal(context: Context, error: RingRiftError): Response {
  const answer = answers[error.code];
  if (answer === undefined) throw error;
  if (answer === notNow) context.header("retry-after", "1");
  const detail = error.nextStep === undefined ? error.message : `${error.message} ${error.nextStep}`;
  return problem(context, { ...answer, code: error.code, detail });
}
