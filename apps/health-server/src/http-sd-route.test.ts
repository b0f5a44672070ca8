import { createBeat, createEndpoints, type Listening, listen } from "@ringrift/endpoints";
import type { MeshStatus } from "@ringrift/mesh";
import { EventLog } from "@ringrift/orchestrator";
import { createOverview } from "@ringrift/overview";
import { HealthCheckResult, HealthThresholds, type NodeReport } from "@ringrift/protocol";
import { afterEach, expect, it } from "vitest";
import { addHttpSdRoute } from "./http-sd-route.ts";

let listening: Listening | undefined;
afterEach(() => listening?.close());

const report = (fields: Partial<NodeReport>): NodeReport => ({
  full: true,
  seq: 1,
  sentAt: 0,
  version: "1.2",
  startedAt: 0,
  checks: [],
  ...fields,
});

async function served(now: number, leaderId: string | null = "server-1") {
  const status: MeshStatus = {
    leaderId,
    isLeader: leaderId !== null,
    term: 3,
    epoch: "0.3",
    quorum: { configured: true, held: true, have: 3, need: 2, voters: [] },
    elector: null,
    statusAgeSeconds: 0,
    leaseAgeMs: 10,
    agreed: null,
    massFailure: null,
    members: [],
    links: [],
    refused: {},
    refusedPeers: [],
    leadership: { availability: 1, windowSeconds: 3600, changes: 1 },
    warnings: [],
    proof: { kid: null, keyExpiresAt: null, keyringExpiresAt: null, certificateExpiresAt: null },
    dropped: {},
  };
  const nowSeconds = (): number => now;
  const overview = createOverview({
    teller: {
      id: "server-1",
      role: "server",
      version: "1",
      startedAtSeconds: 0,
      clusterId: "c",
      elector: "mesh",
    },
    mesh: () => status,
    expectedNodes: 0,
    thresholds: HealthThresholds,
    eventLog: new EventLog({ emitter: "server-1" }),
    nowSeconds,
  });
  overview.applyReport("gpu-1", report({ endpoint: { host: "10.0.0.7", port: 8791 }, provider: "lab" }));
  overview.applyReport("gpu-2", report({ endpoint: { host: "fd00::7", port: 8791 } }));
  overview.applyReport("gpu-3", report({ endpoint: { host: "127.0.0.1", port: 8795 } }));
  overview.applyReport("gpu-4", report({}));
  overview.applyReport("gpu-5", report({ endpoint: { host: "10.0.0.8", port: 8791 } }));
  overview.orchestrator.retire("gpu-5", "sent back");
  const app = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy" }),
    gates: () => [],
    metrics: () => ({ contentType: "text/plain", body: "" }),
    status: () => overview.status(),
    beat: createBeat(() => 0, 1000),
    onError: () => undefined,
  });
  addHttpSdRoute(app, { overview, nowSeconds });
  listening = await listen({ app, host: "127.0.0.1", port: 0 });
  return { app, url: `http://127.0.0.1:${listening.port}/v1/http_sd` };
}

it("lists the agents that say where they are, but no retired one", async () => {
  const answer = await fetch((await served(60)).url);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  const version = { __meta_ringrift_version: "1.2" };
  expect(await answer.json()).toEqual([
    {
      targets: ["10.0.0.7:8791"],
      labels: { __meta_ringrift_node: "gpu-1", __meta_ringrift_provider: "lab", ...version },
    },
    { targets: ["[fd00::7]:8791"], labels: { __meta_ringrift_node: "gpu-2", ...version } },
    { targets: ["127.0.0.1:8795"], labels: { __meta_ringrift_node: "gpu-3", ...version } },
  ]);
});

it("names no address of loopback to a caller on another host", async () => {
  const { app } = await served(60);
  const incoming = { socket: { remoteAddress: "10.0.0.99" } };
  const answer = await app.request("/v1/http_sd", {}, { incoming });
  expect(await answer.text()).not.toContain("127.0.0.1");
});

it.each([
  ["without a leader", 60, null, /no leader/],
  ["before agents had the time to come back", 59, "server-1", /started 59 s ago/],
] as const)("gives no list at all %s", async (_, now, leaderId, why) => {
  const answer = await fetch((await served(now, leaderId)).url);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: "MEMBERS_UNKNOWN", detail: expect.stringMatching(why) });
});
