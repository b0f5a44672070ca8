import { authorizeChanges, type EndpointsApp, jsonBody, problem } from "@ringrift/endpoints";
import { type Stages, trainerReportSchema } from "@ringrift/pipeline";
import { RingRiftError } from "@ringrift/protocol";

/** Where local trainers tell of their stage. */
export function addTrainerRoutes(
  app: EndpointsApp,
  parts: {
    readonly stages: Stages;
    readonly token: string | null;
    /** `ok`: whether the stage succeeded, where the report says so. */
    readonly onStageReport: (stage: string, ok: boolean | null) => void;
    readonly nowSeconds: () => number;
  },
): void {
  app.post("/v1/pipeline/:stage", authorizeChanges(parts.token), async (context) => {
    const stage = context.req.param("stage");
    const body = await jsonBody(context, trainerReportSchema);
    if (!body.ok) return body.response;
    try {
      parts.stages.record(stage, body.value, parts.nowSeconds());
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
