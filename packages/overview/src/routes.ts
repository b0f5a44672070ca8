import { type EndpointsApp, problem } from "@ringrift/endpoints";
import type { Overview } from "./overview.ts";

const eventsPerPage = 1000;

/** The reading routes under `/v1`, the same on servers and agents, all answered from memory. */
export function addReadingRoutes(app: EndpointsApp, overview: Overview): void {
  app.get("/v1/nodes", (context) =>
    context.json({
      schema: "ringrift.nodes/1",
      nodes: overview.status().nodes,
      summary: overview.orchestrator.getClusterHealthSummary(),
    }),
  );
  app.get("/v1/nodes/:id", (context) => {
    const id = context.req.param("id");
    const node = overview.orchestrator.getNodeHealth(id);
    if (node !== null) return context.json({ schema: "ringrift.node/1", node });
    const known =
      overview.teller.role === "server"
        ? "/v1/nodes lists those that are."
        : `an agent answers for ${overview.teller.id} only; ask a health-server for others.`;
    return problem(context, {
      status: 404,
      title: "No such node",
      code: "NODE_UNKNOWN",
      detail: `Node ${id} is not known here; ${known}`,
    });
  });
  app.get("/v1/leader", (context) => {
    const { leaderId, epoch, elector, quorum, ageSeconds } = overview.status().cluster;
    return context.json({ schema: "ringrift.leader/1", leaderId, epoch, elector, quorum, ageSeconds });
  });
  app.get("/v1/daemons", (context) =>
    context.json({ schema: "ringrift.daemons/1", daemons: overview.status().daemons }),
  );
  app.get("/v1/pipeline", (context) =>
    context.json({ schema: "ringrift.pipeline/1", ...overview.status().pipeline }),
  );
  app.get("/v1/pipeline/gate", (context) => {
    const { state, reasons } = overview.gate();
    return state === "running" ? context.json({ run: true }) : context.json({ run: false, reasons }, 409);
  });
  app.get("/v1/events", (context) => {
    const asked = context.req.query("after") ?? "0";
    const after = Number(asked);
    if (!Number.isSafeInteger(after) || after < 0)
      return problem(context, {
        status: 400,
        title: "Bad query",
        code: "QUERY_INVALID",
        detail: `Parameter after is "${asked.slice(0, 50)}"; a whole number from 0 is accepted.`,
        field: "after",
      });
    return context.json({ schema: "ringrift.events/1", ...overview.events.after(after, eventsPerPage) });
  });
}
