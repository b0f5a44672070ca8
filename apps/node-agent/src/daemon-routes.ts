import type { DaemonManager } from "@ringrift/daemon-supervisor";
import { authorizeChanges, type EndpointsApp, problem } from "@ringrift/endpoints";
import { RingRiftError } from "@ringrift/protocol";
import type { Context } from "hono";
import { logStream } from "./log-stream.ts";

const defaultLines = 100;
const mostLines = 10_000;
const maxLogStreams = 16;

/** Asking for one daemon, and acting on it; what a daemon writes may be secret, so its logs need what acts need. */
export function addDaemonRoutes(
  app: EndpointsApp,
  { daemons, token }: { readonly daemons: DaemonManager; readonly token: string | null },
): void {
  const acts = {
    start: (name: string) => daemons.startDaemon(name),
    stop: (name: string) => daemons.stopDaemon(name),
    restart: (name: string) => daemons.restartDaemon(name),
  };
  const guard = authorizeChanges(token);
  const answer = (context: Context, name: string): Response => {
    const daemon = daemons.daemons().find((one) => one.name === name);
    return context.json({ schema: "ringrift.daemon/1", daemon, health: daemons.getDaemonHealth(name) });
  };

  app.get("/v1/daemons/:name", (context) => {
    const name = context.req.param("name");
    return told(context, () => answer(context, name));
  });
  for (const [act, carryOut] of Object.entries(acts)) {
    app.post(`/v1/daemons/:name/${act}`, guard, (context) => {
      const name = context.req.param("name");
      return told(context, async () => {
        await carryOut(name);
        return answer(context, name);
      });
    });
  }

  let streams = 0;
  app.get("/v1/daemons/:name/logs", guard, (context) => {
    const name = context.req.param("name");
    const asked = context.req.query("lines") ?? String(defaultLines);
    const count = /^\d{1,5}$/.test(asked) ? Number(asked) : Number.NaN;
    if (!(count <= mostLines))
      return problem(context, {
        status: 400,
        title: "Bad query",
        code: "QUERY_INVALID",
        detail: `Parameter lines is "${asked.slice(0, 50)}"; a whole number from 0 to ${mostLines} is accepted.`,
        field: "lines",
      });
    return told(context, () => {
      const { lines, ...rest } = daemons.logs(name);
      if (context.req.header("accept")?.includes("text/event-stream") !== true) {
        const last = count === 0 ? [] : lines.slice(-count);
        return context.json({ schema: "ringrift.daemon-logs/1", daemon: name, lines: last, ...rest });
      }
      if (streams >= maxLogStreams)
        return problem(context, {
          status: 503,
          title: "Too many log streams",
          code: "TOO_MANY_STREAMS",
          detail: `${streams} readers follow logs already; close one, or ask without text/event-stream.`,
        });
      streams += 1;
      return logStream(context, daemons, name, count, () => {
        streams -= 1;
      });
    });
  });
}

/** Answers the supervisor's refusals as problems. */
async function told(context: Context, act: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RingRiftError)) throw error;
    const isUnknown = error.code === "DAEMON_UNKNOWN";
    return problem(context, {
      status: isUnknown ? 404 : 409,
      title: isUnknown ? "No such daemon" : "Not possible now",
      code: error.code,
      detail: error.message,
    });
  }
}
