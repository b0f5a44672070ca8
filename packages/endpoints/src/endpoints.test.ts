import { HealthCheckResult, type StatusDocument } from "@ringrift/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { authorizeChanges } from "./authorize.ts";
import { createBeat } from "./beat.ts";
import { createEndpoints, type EndpointsApp } from "./endpoints.ts";
import type { Gate } from "./gate.ts";
import { jsonBody } from "./json-body.ts";
import { type Listening, listen } from "./listen.ts";

let now = 0;
let gates: Gate[] = [];
const errors: string[] = [];
const build = (status: () => StatusDocument = () => ({ score: 100 }) as StatusDocument): EndpointsApp =>
  createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy", timestamp: 1 }),
    gates: () => gates,
    metrics: (accept) => ({ contentType: accept ?? "text/plain", body: "ringrift_up 1\n" }),
    status,
    beat: createBeat(() => now, 1000),
    onError: (_error, path) => errors.push(path),
  });

const open: Listening[] = [];
async function serveOnFreePort(app: EndpointsApp): Promise<string> {
  const listening = await listen({ app, host: "127.0.0.1", port: 0 });
  open.push(listening);
  return `http://127.0.0.1:${listening.port}`;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((listening) => listening.close()));
});

describe("the endpoints", () => {
  it("answer /health with 200 and a HealthCheckResult, whatever the gates say", async () => {
    gates = [{ name: "quorum", ok: false, reason: "1 of 3 voters" }];
    const response = await build().request("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "healthy", message: "", details: {}, timestamp: 1 });
  });

  it("answer /ready with 503 and every gate's reason while one gate fails, and with 200 when none does", async () => {
    gates = [
      { name: "mesh", ok: true, reason: "connected" },
      { name: "quorum", ok: false, reason: "1 of 3 voters" },
    ];
    const app = build();
    const refused = await app.request("/ready");
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({ ready: false, gates });
    const text = await (await app.request("/readyz?verbose")).text();
    expect(text).toBe("[+]mesh ok\n[-]quorum failed: 1 of 3 voters\nreadyz check failed\n");
    gates = [{ name: "mesh", ok: true, reason: "" }];
    expect((await app.request("/ready")).status).toBe(200);
  });

  it("are not ready when there is no gate at all", async () => {
    gates = [];
    expect((await build().request("/ready")).status).toBe(503);
  });

  it("show a stalled main loop on /livez while /health still answers", async () => {
    now = 0;
    const app = build();
    now = 1000;
    expect((await app.request("/livez")).status).toBe(200);
    now = 1001;
    expect((await app.request("/livez")).status).toBe(503);
    expect((await app.request("/health")).status).toBe(200);
  });

  it("answer an unknown path and a throwing handler with problem+json and no stack trace", async () => {
    const app = build(() => {
      throw new Error("status is broken");
    });
    const missing = await app.request("/nope");
    expect(missing.status).toBe(404);
    expect(missing.headers.get("content-type")).toBe("application/problem+json");
    const failed = await app.request("/status");
    expect(failed.status).toBe(500);
    const body = await failed.text();
    expect(body).toContain("status is broken");
    expect(body).not.toContain("endpoints.test");
    expect(errors).toEqual(["/status"]);
  });

  it("serve a page whose script is allowed by its own hash only", async () => {
    const response = await build().request("/");
    expect(await response.text()).toContain("<title>RingRift Health</title>");
    expect(response.headers.get("content-security-policy")).toMatch(/script-src 'sha256-[^']+';/);
  });
});

describe("listening", () => {
  it("names host and port when the port is in use", async () => {
    const first = await listen({ app: build(), host: "127.0.0.1", port: 0 });
    open.push(first);
    await expect(listen({ app: build(), host: "127.0.0.1", port: first.port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `Port ${first.port} on 127.0.0.1 is in use by another program.`,
    });
  });
});

describe("changing calls", () => {
  const post = (base: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${base}/change`, { method: "POST", body, headers });
  const withChange = (token: string | null): EndpointsApp => {
    const app = build();
    app.post("/change", authorizeChanges(token), async (context) => {
      const body = await jsonBody(context, z.object({ step: z.number() }));
      return body.ok ? context.json(body.value) : body.response;
    });
    return app;
  };

  it("need no token on loopback while none is configured", async () => {
    const base = await serveOnFreePort(withChange(null));
    expect((await post(base, '{"step":1}')).status).toBe(200);
  });

  it("are refused without the token or with a wrong one once it is configured", async () => {
    const base = await serveOnFreePort(withChange("secret"));
    expect((await post(base, '{"step":1}')).status).toBe(401);
    expect((await post(base, '{"step":1}', { authorization: "Bearer wrong" })).status).toBe(403);
    expect((await post(base, '{"step":1}', { authorization: "Bearer secret" })).status).toBe(200);
  });

  it("may need no body", async () => {
    const app = build();
    app.post("/change", async (context) => {
      const body = await jsonBody(context, z.object({ step: z.number().default(7) }), "optional");
      return body.ok ? context.json(body.value) : body.response;
    });
    const base = await serveOnFreePort(app);
    expect(await (await post(base, "")).json()).toEqual({ step: 7 });
    expect((await post(base, "{")).status).toBe(400);
  });

  it("name the field of a bad body and bound its size", async () => {
    const base = await serveOnFreePort(withChange(null));
    const bad = await post(base, '{"step":"x"}');
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ code: "BODY_INVALID", field: "step" });
    expect((await post(base, "{")).status).toBe(400);
    expect((await post(base, JSON.stringify({ step: 1, pad: "x".repeat(70_000) }))).status).toBe(413);
  });
});
