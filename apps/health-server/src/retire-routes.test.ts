import { createBeat, createEndpoints, type Listening, listen } from "@ringrift/endpoints";
import { type AgreedView, type Mesh, MeshError } from "@ringrift/mesh";
import { applyProposal, HealthCheckOrchestrator, retiredNodes } from "@ringrift/orchestrator";
import { HealthCheckResult } from "@ringrift/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { addRetireRoutes } from "./retire-routes.ts";

let listening: Listening | undefined;
afterEach(() => listening?.close());

/** A mesh of this server alone, that agrees with itself at once. */
function lonelyMesh(): Pick<Mesh, "propose"> {
  let agreed: AgreedView = { value: "", stamp: "1.0", confirmed: true };
  let version = 0;
  return {
    propose: async (proposal) => {
      const value = applyProposal(agreed.value, proposal);
      version += 1;
      agreed = { value, stamp: `1.${version}`, confirmed: true };
      return agreed;
    },
  };
}

async function served({
  mesh = lonelyMesh(),
  token = null,
}: {
  mesh?: Pick<Mesh, "propose">;
  token?: string | null;
} = {}) {
  const orchestrator = new HealthCheckOrchestrator({ emit: () => undefined });
  const facts = { link: "down", lastSeenSeconds: 9, reason: "silent", version: "1" } as const;
  orchestrator.applyMembers(
    [
      { id: "gpu-1", role: "agent", ...facts },
      { id: "s1", role: "server", ...facts },
    ],
    0,
  );
  const app = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy" }),
    gates: () => [],
    metrics: () => ({ contentType: "text/plain", body: "" }),
    status: () => {
      throw new Error("not asked for");
    },
    beat: createBeat(() => 0, 1000),
    onError: () => undefined,
  });
  const overview = {
    orchestrator,
    onMeshEvent: (event: { type: string; agreed?: AgreedView }) =>
      orchestrator.setRetired(retiredNodes(event.agreed?.value ?? ""), null),
  };
  addRetireRoutes(app, { mesh, overview, token, nowSeconds: () => 7 });
  listening = await listen({ app, host: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${listening.port}/v1/nodes`;
  const post = async (path: string, body?: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${base}/${path}`, {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return {
      status: answer.status,
      headers: answer.headers,
      json: (await answer.json()) as Record<string, unknown>,
    };
  };
  return { post, orchestrator };
}

const refusing = (code: string, nextStep?: string): Pick<Mesh, "propose"> => ({
  propose: async () => {
    throw new MeshError("The servers said no.", { code, ...(nextStep === undefined ? {} : { nextStep }) });
  },
});

describe("retiring a node", () => {
  it("is answered with what the servers agreed on, and so at once on this server", async () => {
    const { post, orchestrator } = await served();
    const retired = { reason: "sent back", at: 7 };
    expect(await post("gpu-1/retire", '{"reason":"sent back"}')).toMatchObject({
      status: 200,
      json: { schema: "ringrift.retirement/1", node: "gpu-1", retired, stamp: "1.1" },
    });
    expect(orchestrator.getNodeHealth("gpu-1")).toMatchObject({ state: "retired", retired });
    expect(await post("gpu-1/unretire")).toMatchObject({ status: 200, json: { retired: null } });
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("offline");
  });

  it("may be said again, but not with another reason", async () => {
    const { post } = await served();
    for (const body of [undefined, "{}", '{"reason":""}'])
      expect((await post("gpu-1/retire", body)).status).toBe(200);
    const other = await post("gpu-1/retire", '{"reason":"burnt"}');
    expect(other).toMatchObject({ status: 409, json: { code: "ALREADY_RETIRED" } });
  });

  it("needs a node that is known, and is no server", async () => {
    const { post } = await served();
    expect(await post("gpu-2/retire")).toMatchObject({ status: 404, json: { code: "NODE_UNKNOWN" } });
    expect(await post("gpu-2/unretire")).toMatchObject({ status: 404, json: { code: "NODE_UNKNOWN" } });
    expect(await post("s1/retire")).toMatchObject({ status: 409, json: { code: "NODE_IS_SERVER" } });
  });

  it("needs the token where one is configured", async () => {
    const { post, orchestrator } = await served({ token: "secret" });
    expect((await post("gpu-1/retire")).status).toBe(401);
    expect((await post("gpu-1/retire", "", { authorization: "Bearer guess" })).status).toBe(403);
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("offline");
    expect((await post("gpu-1/retire", "", { authorization: "Bearer secret" })).status).toBe(200);
  });

  it.each([
    ["{", 400, "BODY_NOT_JSON"],
    ['{"reason":5}', 400, "BODY_INVALID"],
    ['{"reason":"a\\nb"}', 400, "BODY_INVALID"],
    [JSON.stringify({ reason: "x".repeat(201) }), 400, "BODY_INVALID"],
    ['{"why":"typo"}', 400, "BODY_INVALID"],
    [JSON.stringify({ reason: "x".repeat(70_000) }), 413, "BODY_TOO_LARGE"],
  ])("refuses the body %.20s", async (body, status, code) => {
    const { post } = await served();
    const answer = await post("gpu-1/retire", body);
    expect(answer).toMatchObject({ status, json: { code } });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  it("without a leader is for later, and says so", async () => {
    const { post } = await served({ mesh: refusing("NO_LEADER", "Try again in a moment.") });
    const answer = await post("gpu-1/retire");
    expect(answer).toMatchObject({
      status: 503,
      json: { code: "NO_LEADER", detail: "The servers said no. Try again in a moment." },
    });
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  it.each([
    ["NOT_AGREED", 504],
    ["AGREED_TOO_LONG", 409],
    ["SOMETHING_ELSE", 500],
  ])("answers %s with %i", async (code, status) => {
    const { post, orchestrator } = await served({ mesh: refusing(code) });
    expect((await post("gpu-1/retire")).status).toBe(status);
    expect(orchestrator.getNodeHealth("gpu-1")?.state).toBe("offline");
  });
});
