import type { HttpBindings } from "@hono/node-server";
import { errorText, type HealthCheckResult, type StatusDocument } from "@ringrift/protocol";
import { Hono } from "hono";
import type { Beat } from "./beat.ts";
import { type Gate, readiness, readinessText } from "./gate.ts";
import { livePage, livePageHeaders } from "./live-page.ts";
import { problem } from "./problem.ts";

export type EndpointsApp = Hono<{ Bindings: HttpBindings }>;

/** Where the answers come from. Every one is read from memory: a handler never probes, waits or runs a program. */
export interface EndpointSources {
  health(): HealthCheckResult;
  gates(): readonly Gate[];
  /** The exposition in the format that the Accept header asks for. */
  metrics(accept: string | undefined): { readonly contentType: string; readonly body: string };
  status(): StatusDocument;
  readonly beat: Beat;
  /** Told of each handler that threw; the caller gets a problem without a stack trace. */
  onError(error: unknown, path: string): void;
}

/** The endpoints that server and agent have in common; each app adds its own routes to the returned hono app. */
export function createEndpoints(sources: EndpointSources): EndpointsApp {
  const app: EndpointsApp = new Hono<{ Bindings: HttpBindings }>();

  app.use(async (context, next) => {
    await next();
    context.res.headers.set("x-content-type-options", "nosniff");
    if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "no-store");
  });

  app.get("/health", (context) => context.json(sources.health()));
  app.get("/livez", (context) => {
    if (sources.beat.isFresh()) return context.text("ok\n");
    return context.text(`main loop stalled for ${Math.round(sources.beat.ageMs())} ms\n`, 503);
  });
  for (const path of ["/ready", "/readyz"]) {
    app.get(path, (context) => {
      const answer = readiness(sources.gates());
      const status = answer.ready ? 200 : 503;
      if (context.req.query("verbose") !== undefined) return context.text(readinessText(answer), status);
      return context.json(answer, status);
    });
  }
  app.get("/metrics", (context) => {
    const { contentType, body } = sources.metrics(context.req.header("accept"));
    return context.body(body, 200, { "content-type": contentType, vary: "Accept" });
  });
  app.get("/status", (context) => context.json(sources.status()));
  app.get("/", (context) => context.html(livePage, 200, livePageHeaders));

  app.notFound((context) =>
    problem(context, {
      status: 404,
      title: "No such path",
      code: "NOT_FOUND",
      detail: `${context.req.method} ${context.req.path} is not served here; try /status.`,
    }),
  );
  app.onError((error, context) => {
    sources.onError(error, context.req.path);
    return problem(context, {
      status: 500,
      title: "Internal error",
      code: "INTERNAL",
      detail: `${context.req.path} failed: ${errorText(error)}. The log has the details.`,
    });
  });
  return app;
}
