import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, freePort, startCluster } from "./cluster.ts";
import { startProgram, waitFor } from "./program.ts";

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly text: string;
  readonly nextStep?: string;
}

let cluster: Cluster;
let directory: string;
let env: Record<string, string>;
const door = (): string => `${cluster.servers[0]?.url.replace("http", "ws")}/mesh`;

function keys(name: string, line: string): string {
  const path = join(directory, name);
  writeFileSync(path, `${line}\n`, { mode: 0o600 });
  return path;
}

function certificate(node: string): Record<string, string> {
  const file = (name: string): string =>
    fileURLToPath(new URL(`../../packages/mesh/fixtures/tls/${name}.pem`, import.meta.url));
  return {
    RINGRIFT_CLUSTER_ID: "test",
    RINGRIFT_MESH_TLS_CERT_FILE: file(node),
    RINGRIFT_MESH_TLS_KEY_FILE: file(`${node}-key`),
    RINGRIFT_MESH_TLS_CA_FILE: file("authority"),
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-doctor-"));
  const meshKeys = { RINGRIFT_MESH_KEY_FILE: keys("mesh.keys", `k1:${randomBytes(32).toString("base64")}`) };
  cluster = await startCluster({ servers: 1, agents: 1, serverEnv: meshKeys, agentEnv: meshKeys });
  const log = keys("kernel.log", "");
  env = {
    ...meshKeys,
    RINGRIFT_NODE_ID: "gpu-7",
    RINGRIFT_SERVERS: door(),
    RINGRIFT_DATA_DIR: directory,
    RINGRIFT_AGENT_PORT: String(await freePort()),
    RINGRIFT_KMSG: log,
  };
  await waitFor("the agent", async () => {
    const nodes = (await cluster.servers[0]?.status())?.nodes ?? [];
    return nodes.some(({ id, link }) => id === "agent-1" && link === "alive") ? true : null;
  });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

/** Variables that are undefined are not given. */
type Changes = Readonly<Record<string, string | undefined>>;

async function doctor(changes: Changes = {}): Promise<{ code: number | string; findings: Finding[] }> {
  const given = Object.entries({ ...env, ...changes }).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  const program = startProgram("cli", ["doctor", "--json", "--timeout", "2"], Object.fromEntries(given));
  const code = await program.exited;
  const answer = JSON.parse(program.output());
  expect(answer).toMatchObject({ schema: "ringrift.doctor/1", exitCode: code });
  return { code, findings: answer.findings };
}

async function found(check: string, changes: Changes): Promise<Finding> {
  const { code, findings } = await doctor(changes);
  const one = findings.find((finding) => finding.check === check);
  if (one === undefined) throw new Error(`nothing about ${check} in ${JSON.stringify(findings)}`);
  expect(code).toBe(one.state === "failed" ? 1 : 0);
  return one;
}

describe("the doctor", { timeout: 30_000 }, () => {
  it("finds a host well that has all an agent needs, and leaves no trace in the mesh", async () => {
    const { code, findings } = await doctor();
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(code).toBe(0);
    expect(findings.find(({ check }) => check === door())?.text).toContain(
      "server-1 would let this agent in",
    );
    expect(findings.at(-1)).toMatchObject({ check: "clock", text: expect.stringContaining("server-1") });
    const status = await cluster.servers[0]?.status();
    expect(status?.nodes.map(({ id }) => id)).toEqual(["server-1", "agent-1"]);
    expect(status?.cluster.mesh?.refused).toEqual({});
  });

  it("tells a wrong key, an unknown key and another cluster apart from a server that is not there", async () => {
    const key = randomBytes(32).toString("base64");
    const wrong = await found(door(), { RINGRIFT_MESH_KEY_FILE: keys("wrong.keys", `k1:${key}`) });
    expect(wrong.text).toContain("does not hold the key");
    const unknown = await found(door(), { RINGRIFT_MESH_KEY_FILE: keys("unknown.keys", `k9:${key}`) });
    expect(unknown.text).toContain("does not hold the key");
    const other = await found(door(), { RINGRIFT_CLUSTER_ID: "elsewhere" });
    expect(other).toMatchObject({
      text: expect.stringContaining("another cluster"),
      nextStep: expect.stringContaining("RINGRIFT_CLUSTER_ID"),
    });
    const nobody = `ws://127.0.0.1:${await freePort()}/mesh`;
    const absent = await found(nobody, { RINGRIFT_SERVERS: nobody });
    expect(absent.text).toContain("connection refused");
    const nowhere = "ws://no-such-host.invalid:8790/mesh";
    expect((await found(nowhere, { RINGRIFT_SERVERS: nowhere })).text).toContain(
      "its host name is not known",
    );
  });

  it("tells a server with TLS, a key file that is none, and an nvidia-smi that fails", async () => {
    const secure = door().replace("ws:", "wss:");
    const plain = await found(secure, {
      ...certificate("agent-1"),
      RINGRIFT_NODE_ID: "agent-1",
      RINGRIFT_SERVERS: secure,
    });
    expect(plain.text).toContain("does not speak TLS");
    const key = await found("key or certificate", { RINGRIFT_MESH_KEY_FILE: keys("bad.keys", "no key") });
    expect(key).toMatchObject({ state: "failed", nextStep: expect.stringContaining("openssl rand") });
    const replayer = fileURLToPath(
      new URL("../../packages/probes/fixtures/nvidia-smi-replayer.mjs", import.meta.url),
    );
    const smi = { RINGRIFT_NVIDIA_SMI: replayer, RINGRIFT_EXPECTED_GPUS: "1" };
    expect(await found("nvidia-smi", smi)).toMatchObject({
      state: "ok",
      text: expect.stringMatching(/^driver /),
    });
    const broken = await found("nvidia-smi", { ...smi, NVIDIA_SMI_REPLAY_MODE: "exit:9" });
    expect(broken).toMatchObject({
      state: "failed",
      text: expect.stringContaining("driver does not answer"),
    });
  });

  it("is let in by a certificate, and told whose one is another node's", async () => {
    const port = await freePort();
    const secure = `wss://127.0.0.1:${port}/mesh`;
    const at = { RINGRIFT_SERVERS: secure, RINGRIFT_DATA_DIR: directory };
    const server = startProgram("health-server", [], {
      ...certificate("server-1"),
      ...at,
      RINGRIFT_NODE_ID: "server-1",
      RINGRIFT_HEALTH_SERVER_PORT: String(port),
    });
    await waitFor("the server", async () => (server.output().includes("health-server is up") ? true : null));
    const keyless = { RINGRIFT_MESH_KEY_FILE: undefined };
    const ours = { ...certificate("agent-1"), ...at, ...keyless, RINGRIFT_NODE_ID: "agent-1" };
    expect((await found(secure, ours)).text).toContain("server-1 would let this agent in");
    const { code, findings } = await doctor({ ...ours, RINGRIFT_NODE_ID: "agent-2" });
    expect(code).toBe(1);
    expect(findings.find(({ check }) => check === "key or certificate")).toMatchObject({
      state: "failed",
      text: expect.stringContaining("certificate is of the agent agent-1"),
    });
    expect(findings.find(({ check }) => check === secure)?.state).toBe("unknown");
    expect(await server.kill("SIGTERM")).toBe(0);
  });

  it("warns of a name that another host's agent has, or that is retired", async () => {
    const taken = await found("node id", { RINGRIFT_NODE_ID: "agent-1" });
    expect(taken).toMatchObject({ state: "warning", nextStep: expect.stringContaining("RINGRIFT_NODE_ID") });
    const own = {
      RINGRIFT_NODE_ID: "agent-1",
      RINGRIFT_AGENT_PORT: new URL(cluster.agents[0]?.url ?? "").port,
    };
    expect(await found("node id", own)).toMatchObject({ state: "ok" });
    const retire = startProgram("cli", ["retire", "agent-1", "--server", cluster.servers[0]?.url ?? ""], {});
    expect(await retire.exited).toBe(0);
    const retired = await found("node id", own);
    expect(retired).toMatchObject({
      state: "warning",
      nextStep: expect.stringContaining("unretire agent-1"),
    });
  });
});
