import { createBeat, createEndpoints, type EndpointsApp } from "@ringrift/endpoints";
import { EventLog } from "@ringrift/orchestrator";
import { HealthCheckResult, HealthThresholds } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { member, meshStatus } from "./mesh-status.test.kit.ts";
import { createOverview, type Overview } from "./overview.ts";
import { addReadingRoutes } from "./routes.ts";

function setUp(role: "server" | "agent"): { app: EndpointsApp; overview: Overview } {
  const id = role === "agent" ? "gpu-1" : "server-1";
  const mesh = meshStatus({ isLeader: role === "server", members: [member(id, { role })] });
  const overview = createOverview({
    teller: { id, role, version: "1", startedAtSeconds: 0, clusterId: "test", elector: "mesh" },
    mesh: () => mesh,
    expectedNodes: 0,
    thresholds: HealthThresholds,
    eventLog: new EventLog({ emitter: id }),
    nowSeconds: () => 10,
  });
  overview.tick();
  const app = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy", timestamp: 10 }),
    gates: () => [],
    metrics: () => ({ contentType: "text/plain", body: "" }),
    status: () => overview.status(),
    beat: createBeat(() => 0, 1000),
    onError: (error) => {
      throw error;
    },
  });
  addReadingRoutes(app, overview);
  return { app, overview };
}

describe.each(["server", "agent"] as const)("the reading routes of a %s", (role) => {
  it.each(["nodes", "gpus", "leader", "members", "daemons", "pipeline", "events"])(
    "answer /v1/%s with its schema",
    async (name) => {
      const answer = await setUp(role).app.request(`/v1/${name}`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ schema: `ringrift.${name}/1` });
    },
  );

  it("name an unknown node, and where to look for it", async () => {
    const answer = await setUp(role).app.request("/v1/nodes/gpu-9");
    expect(answer.status).toBe(404);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toContain("gpu-9");
    expect(detail).toContain(role === "server" ? "/v1/nodes" : "health-server");
  });

  it("answer the gate with 200 or, when paused, 409 and the reasons", async () => {
    const { app, overview } = setUp(role);
    expect((await app.request("/v1/pipeline/gate")).status).toBe(200);
    overview.onMeshEvent({
      type: "report",
      nodeId: role === "agent" ? "gpu-1" : "gpu-2",
      report: {
        full: true,
        seq: 1,
        sentAt: 0,
        version: "1",
        startedAt: 0,
        checks: [],
        circuits: [{ name: "training", state: "open", critical: true }],
      },
    });
    overview.tick();
    const answer = await app.request("/v1/pipeline/gate");
    expect(answer.status).toBe(409);
    expect(await answer.json()).toEqual({
      run: false,
      reasons: expect.arrayContaining(["critical_circuit_open:training"]),
    });
  });

  it("refuse an event number that is none", async () => {
    const answer = await setUp(role).app.request("/v1/events?after=-1");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "QUERY_INVALID", field: "after" });
  });
});

/** Reads a stream of server-sent events until `count` of them have come. */
async function readEvents(answer: Response, count: number): Promise<Record<string, string>[]> {
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.split("\n\n").length <= count) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text
    .split("\n\n")
    .slice(0, count)
    .map((block) => Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2))));
}

describe("the stream of events", () => {
  const stream = { accept: "text/event-stream" };
  const down = (nodeId: string) => ({ name: "NODE_DOWN", data: { nodeId, reason: "silent" } }) as const;

  it("begins with the next event, as a CloudEvent under its name and id", async () => {
    const { app, overview } = setUp("server");
    overview.emit(down("gpu-1"));
    const { lastSeq } = overview.events;
    const answer = await app.request("/v1/events", { headers: stream });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    overview.emit(down("gpu-2"));
    const [event] = await readEvents(answer, 1);
    expect(event).toMatchObject({ event: "NODE_DOWN", id: `0-${lastSeq + 1}` });
    expect(JSON.parse(event?.data ?? "")).toMatchObject({
      specversion: "1.0",
      type: "io.ringrift.health.node_down",
      data: { nodeId: "gpu-2" },
    });
  });

  it("goes on after the last event that a reader had, and from the first when that was of another run", async () => {
    const { app, overview } = setUp("server");
    const before = overview.events.lastSeq;
    for (const id of ["gpu-1", "gpu-2"]) overview.emit(down(id));
    const resumed = await app.request("/v1/events", {
      headers: { ...stream, "last-event-id": `0-${before + 1}` },
    });
    expect((await readEvents(resumed, 1))[0]?.id).toBe(`0-${before + 2}`);
    const restarted = await app.request("/v1/events", { headers: { ...stream, "last-event-id": "99-500" } });
    expect((await readEvents(restarted, 1))[0]?.id).toBe("0-1");
  });

  it("says how many events a reader has missed for good", async () => {
    const { app, overview } = setUp("server");
    for (let sent = 0; sent < 10_005; sent += 1) overview.emit(down("gpu-1"));
    const answer = await app.request("/v1/events?after=1", { headers: stream });
    const [lost] = await readEvents(answer, 1);
    expect(lost?.event).toBe("lost");
    expect(JSON.parse(lost?.data ?? "").lost).toBe(overview.events.lastSeq - 10_000 - 1);
  });

  it("refuses an id that is none, and readers past the bound until one of them leaves", async () => {
    const { app, overview } = setUp("server");
    const bad = await app.request("/v1/events", { headers: { ...stream, "last-event-id": "x" } });
    expect(await bad.json()).toMatchObject({ status: 400, field: "Last-Event-ID" });
    const open = await Promise.all(
      Array.from({ length: 64 }, () => app.request("/v1/events", { headers: stream })),
    );
    expect((await app.request("/v1/events", { headers: stream })).status).toBe(503);
    await open[0]?.body?.cancel();
    overview.emit(down("gpu-1"));
    await new Promise((resolve) => setImmediate(resolve));
    const again = await app.request("/v1/events", { headers: stream });
    expect(again.status).toBe(200);
    for (const answer of [...open.slice(1), again]) await answer.body?.cancel();
  });
});
