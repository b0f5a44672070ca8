import { type EndpointsApp, problem } from "@ringrift/endpoints";
import { eventStream, resumeAfter } from "./event-stream.ts";
import type { Overview } from "./overview.ts";

const eventsPerPage = 1000;
const maxEventStreams = 64;

/** The reading routes under `/v1`, the same on servers and agents, all answered from memory. */
export function addReadingRoutes(app: EndpointsApp, overview: Overview): void {
  app.get("/v1/nodes", (context) =>
    context.json({
      schema: "ringrift.nodes/1",
      nodes: overview.nodes(),
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
  app.get("/v1/gpus", (context) => context.json(overview.gpus()));
  app.get("/v1/leader", (context) => {
    const { leaderId, epoch, elector, quorum, ageSeconds, mesh } = overview.cluster();
    return context.json({ schema: "ringrift.leader/1", leaderId, epoch, elector, quorum, ageSeconds, mesh });
  });
  app.get("/v1/members", (context) => {
    const { ageSeconds, mesh } = overview.cluster();
    return context.json({ schema: "ringrift.members/1", members: overview.members(), ageSeconds, mesh });
  });
  app.get("/v1/daemons", (context) =>
    context.json({ schema: "ringrift.daemons/1", daemons: overview.daemons() }),
  );
  app.get("/v1/pipeline", (context) =>
    context.json({ schema: "ringrift.pipeline/1", ...overview.pipeline() }),
  );
  app.get("/v1/pipeline/gate", (context) => {
    const { state, reasons } = overview.gate();
    return state === "running" ? context.json({ run: true }) : context.json({ run: false, reasons }, 409);
  });
  addEventsRoute(app, overview);
}

function addEventsRoute(app: EndpointsApp, { events, teller }: Overview): void {
  const run = String(Math.round(teller.startedAtSeconds * 1000));
  let streams = 0;
  app.get("/v1/events", (context) => {
    const isStream = context.req.header("accept")?.includes("text/event-stream") ?? false;
    const lastId = isStream ? context.req.header("last-event-id") : undefined;
    // A page begins with the oldest event, a stream with the next one.
    const asked = context.req.query("after") ?? (isStream ? `${events.lastSeq}` : "0");
    const after = lastId === undefined ? wholeNumber(asked) : resumeAfter(lastId, run);
    if (after === null)
      return problem(context, {
        status: 400,
        title: "Bad query",
        code: "QUERY_INVALID",
        detail:
          lastId === undefined
            ? `Parameter after is "${asked.slice(0, 50)}"; a whole number from 0 is accepted.`
            : `Last-Event-ID is "${lastId.slice(0, 50)}"; the id of an event of this stream is accepted.`,
        field: lastId === undefined ? "after" : "Last-Event-ID",
      });
    if (!isStream)
      return context.json({ schema: "ringrift.events/1", ...events.after(after, eventsPerPage) });
    if (streams >= maxEventStreams)
      return problem(context, {
        status: 503,
        title: "Too many event streams",
        code: "TOO_MANY_STREAMS",
        detail: `${streams} readers follow the events already; close one, or ask without text/event-stream.`,
      });
    streams += 1;
    return eventStream(context, events, run, after, () => {
      streams -= 1;
    });
  });
}

function wholeNumber(text: string): number | null {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : null;
}
