import { createBeat, createEndpoints, type EndpointsApp } from "@ringrift/endpoints";
import type { MeshStatus } from "@ringrift/mesh";
import { EventLog } from "@ringrift/orchestrator";
import { HealthCheckResult, HealthThresholds } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { createOverview, type Overview } from "./overview.ts";
import { addReadingRoutes } from "./routes.ts";

function setUp(role: "server" | "agent"): { app: EndpointsApp; overview: Overview } {
  const id = role === "agent" ? "gpu-1" : "server-1";
  const member = {
    id,
    role,
    link: "alive",
    lastSeenSeconds: 0,
    reason: "",
    accusers: [],
    version: "1",
  } as const;
  const mesh: MeshStatus = {
    leaderId: "server-1",
    isLeader: role === "server",
    term: 3,
    epoch: "0.3",
    quorum: { configured: true, held: true, have: 1, need: 1, voters: [] },
    elector: null,
    statusAgeSeconds: 0,
    leaseAgeMs: null,
    members: [member],
    refused: {},
    dropped: {},
    links: [],
  };
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
  it.each(["nodes", "leader", "daemons", "pipeline", "events"])(
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
