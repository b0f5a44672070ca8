import { authorizeChanges, type EndpointsApp, jsonBody, problem } from "@ringrift/endpoints";
import type { Overview } from "@ringrift/overview";
import { type Stages, trainerReportSchema } from "@ringrift/pipeline";
import { RingRiftError } from "@ringrift/protocol";

/** The `/v1` routes of an agent: its own node, and the reports of local trainers. */
export function addRoutes(
  app: EndpointsApp,
  parts: {
    readonly overview: Overview;
    readonly nodeId: string;
    readonly stages: Stages;
    readonly token: string | null;
    readonly onStageReport: (stage: string, ok: boolean | null) => void;
    readonly nowSeconds: () => number;
  },
): void {
  const { overview, nodeId, stages } = parts;
  app.get("/v1/nodes", (context) =>
    context.json({ schema: "ringrift.nodes/1", nodes: overview.status().nodes }),
  );
  app.get("/v1/nodes/:id", (context) => {
    const node = context.req.param("id") === nodeId ? overview.orchestrator.getNodeHealth(nodeId) : null;
    if (node !== null) return context.json({ schema: "ringrift.node/1", node });
    return problem(context, {
      status: 404,
      title: "No such node",
      code: "NODE_UNKNOWN",
      detail: `This agent answers for ${nodeId} only; ask a health-server for others.`,
    });
  });
  app.get("/v1/pipeline/gate", (context) => {
    const { state, reasons } = overview.gate();
    return state === "running" ? context.json({ run: true }) : context.json({ run: false, reasons }, 409);
  });
  app.post("/v1/pipeline/:stage", authorizeChanges(parts.token), async (context) => {
    const stage = context.req.param("stage");
    const body = await jsonBody(context, trainerReportSchema);
    if (!body.ok) return body.response;
    try {
      stages.record(stage, body.value, parts.nowSeconds());
    } catch (error) {
      if (!(error instanceof RingRiftError)) throw error;
      return problem(context, {
        status: 400,
        title: "Report refused",
        code: error.code,
        detail: error.message,
        field: "stage",
      });
    }
    parts.onStageReport(stage, body.value.success ?? null);
    return context.json({ stage, recorded: true });
  });
}
