import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMesh } from "./create-mesh.ts";
import { agentKey, parseKeyring } from "./keyring.ts";
import type { Mesh, MeshOptions } from "./mesh.ts";
import { loadMeshTls, type MeshTls } from "./mesh-tls.ts";
import { eventually, LocalCluster } from "./testing/local-cluster.ts";

const fixtures = fileURLToPath(new URL("../fixtures/tls/", import.meta.url));
const files = (name: string): { certFile: string; keyFile: string; caFile: string } => ({
  certFile: join(fixtures, `${name}.pem`),
  keyFile: join(fixtures, `${name}-key.pem`),
  caFile: join(fixtures, "authority.pem"),
});
const key = (kid: string): string => `${kid}:${randomBytes(32).toString("base64")}`;

describe("a keyring that is rotated", { timeout: 30_000 }, () => {
  let cluster: LocalCluster;
  beforeEach(async () => {
    cluster = new LocalCluster();
    await cluster.reserve(1);
  });
  afterEach(() => cluster.close());

  it("drops no link, signs with the new key, and turns away who comes with the old one once it is gone", async () => {
    const [old, next] = [key("old"), key("new")];
    const ring = (...keys: string[]): { keyring: ReturnType<typeof parseKeyring>; tls: null } => ({
      keyring: parseKeyring(keys.join("\n"), "ring"),
      tls: null,
    });
    const server = await cluster.server(1, ring(old));
    const agent = await cluster.agent(1, ring(old));
    const linked = (): boolean => server.mesh.status().links.length === 1;
    await eventually("the agent is linked", linked);
    expect(server.mesh.status().links).toMatchObject([{ peer: "agent-1", kid: "old" }]);

    server.mesh.reload(ring(next, old));
    agent.mesh.reload(ring(next, old));
    expect(server.mesh.status().proof.kid).toBe("new");
    const late = await cluster.agent(2, ring(old));
    await eventually("one with the old key still joins", () => server.mesh.status().links.length === 2);

    server.mesh.reload(ring(next));
    const tooLate = await cluster.agent(3, ring(old));
    await eventually("one with the old key is turned away", () => server.mesh.status().refused.key === 1);
    expect(server.mesh.status().refusedPeers[0]).toMatchObject({ nodeId: "agent-3", kid: "old" });
    expect(tooLate.mesh.status().leaderId).toBeNull();
    await eventually("the first two hear the leader", () =>
      [agent, late].every(({ mesh }) => mesh.status().leaderId === "server-1"),
    );
    for (const { logged } of [server, agent, late])
      expect(logged.filter((line) => line.includes("a link has ended"))).toEqual([]);
  });

  it("does not accept a key after its notAfter", async () => {
    const past = key("past");
    const keyring = parseKeyring(`${key("k1")}\n${past}:2020-01-01T00:00:00Z`, "ring");
    const server = await cluster.server(1, { keyring });
    await cluster.agent(1, { keyring: parseKeyring(past, "ring") });
    await eventually("it is refused", () => (server.mesh.status().refused.key ?? 0) > 0);
    expect(server.mesh.status().links).toEqual([]);
  });
});

describe("an agent's own key", { timeout: 30_000 }, () => {
  let cluster: LocalCluster;
  beforeEach(async () => {
    cluster = new LocalCluster();
    await cluster.reserve(2);
  });
  afterEach(() => cluster.close());

  it("proves that agent to servers that hold the key it comes from, and the servers to it", async () => {
    const [whole] = cluster.keyring.keys;
    if (whole === undefined) throw new Error("no key");
    const server = await cluster.server(1);
    await cluster.server(2);
    const agent = await cluster.agent(1, { keyring: { keys: [agentKey(whole, "agent-1")] } });
    await eventually("it knows the leader", () => agent.mesh.status().leaderId !== null);
    expect(server.mesh.status().links).toContainEqual(
      expect.objectContaining({ peer: "agent-1", kid: "k1/agent-1" }),
    );
  });

  it("proves neither another agent nor a server, and no server is started with it", async () => {
    const [whole] = cluster.keyring.keys;
    if (whole === undefined) throw new Error("no key");
    const stolen = { keyring: { keys: [agentKey(whole, "agent-1")] } };
    await cluster.server(1);
    await expect(cluster.agent(2, stolen)).rejects.toThrow(/belongs to one agent/);
    await expect(cluster.server(2, stolen)).rejects.toThrow(/belongs to one agent/);
  });
});

describe("mutual TLS", { timeout: 30_000 }, () => {
  let directory: string;
  let http: Server;
  let server: Mesh;
  let url: string;
  const meshes: Mesh[] = [];

  function mesh(own: Pick<MeshOptions, "nodeId" | "role" | "self">, tls: MeshTls | null): Mesh {
    const made = createMesh({
      clusterId: "test",
      version: "1",
      servers: [{ voter: new URL(url).host, url }],
      dataDir: join(directory, own.nodeId, String(meshes.length)),
      keyring: null,
      tls,
      heartbeatIntervalMs: 200,
      log: () => undefined,
      ...own,
    });
    meshes.push(made);
    return made;
  }
  const agent = (tls: MeshTls | null, nodeId = "agent-1"): Mesh =>
    mesh({ nodeId, role: "agent", self: null }, tls);

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "ringrift-tls-"));
    const tls = loadMeshTls(files("server-1"));
    const { cert, key: secret, ca } = tls;
    http = createServer({ cert, key: secret, ca, requestCert: true, rejectUnauthorized: false });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    url = `wss://127.0.0.1:${(http.address() as AddressInfo).port}/mesh`;
    server = mesh({ nodeId: "server-1", role: "server", self: new URL(url).host }, tls);
    http.on("upgrade", (request, socket, head) => server.handleUpgrade(request, socket, head));
    await server.start();
  });
  afterEach(async () => {
    await Promise.all(meshes.splice(0).map((each) => each.stop()));
    http.close();
    http.closeAllConnections();
    rmSync(directory, { recursive: true });
  });

  async function refused(by: Mesh, reason = "certificate"): Promise<void> {
    await eventually(
      `${reason} is counted`,
      () => (by.status().refused[reason] ?? 0) > 0,
      () => by.status().refused,
    );
    expect(server.status().members).toHaveLength(1);
  }

  it("links a node that is who its certificate says, and shows when that expires", async () => {
    const made = agent(loadMeshTls(files("agent-1")));
    await made.start();
    await eventually("it knows the leader", () => made.status().leaderId === "server-1");
    expect(server.status().links).toMatchObject([{ peer: "agent-1", role: "agent", kid: null }]);
    expect(made.status().proof.certificateExpiresAt).toBe(Date.parse("2120-01-01T00:00:00Z") / 1000);
  });

  it("refuses a node that says it is another than its certificate says", async () => {
    const { name, ...tls } = loadMeshTls(files("agent-1"));
    await agent({ ...tls, name: { ...name, nodeId: "agent-2" } }, "agent-2").start();
    await refused(server);
  });

  it("refuses a server's part to the certificate of an agent", async () => {
    const { name, ...tls } = loadMeshTls(files("agent-1"));
    const claimed = { ...tls, name: { ...name, role: "server" as const, nodeId: "server-9" } };
    const options = { nodeId: "server-9", role: "server" as const, self: new URL(url).host };
    // It claims the place of the one voter there is, at an address where it does not listen.
    const { term } = server.status();
    await mesh({ ...options }, claimed).start();
    expect(server.status()).toMatchObject({ isLeader: true, term });
    expect(server.status().members).toHaveLength(1);
  });

  it.each(["foreign", "expired", null])("refuses the certificate %s", async (name) => {
    const good = loadMeshTls(files("agent-1"));
    const read = (file: string): string => readFileSync(join(fixtures, file), "utf8");
    const shown = name === null ? null : { cert: read(`${name}.pem`), key: read(`${name}-key.pem`) };
    const made = agent(shown === null ? null : { ...good, ...shown });
    if (name === null) {
      // Without a certificate of its own it does not even trust the server's.
      await made.start();
      await refused(made);
    } else {
      await made.start();
      await refused(server);
    }
  });

  it("is not taken for a server that the dialled address does not belong to", async () => {
    const { cert, key: secret, ca } = loadMeshTls(files("elsewhere"));
    http.setSecureContext({ cert, key: secret, ca });
    const made = agent(loadMeshTls(files("agent-1")));
    await made.start();
    await refused(made);
    expect(made.status().leaderId).toBeNull();
  });
});

describe("certificate files are refused, by name, when", () => {
  it.each([
    ["expired", /expired\.pem has expired/],
    ["two-names", /two-names\.pem does not name exactly one node/],
    ["absent", /absent\.pem cannot be read/],
  ])("%s", (name, message) => {
    expect(() => loadMeshTls(files(name))).toThrow(message);
  });

  it("the key is another's, or a file holds no certificate", () => {
    const mixed = { ...files("agent-1"), keyFile: join(fixtures, "server-1-key.pem") };
    expect(() => loadMeshTls(mixed)).toThrow(/server-1-key\.pem does not fit the certificate .*agent-1\.pem/);
    const directory = mkdtempSync(join(tmpdir(), "ringrift-tls-"));
    const caFile = join(directory, "ca.pem");
    writeFileSync(caFile, "hello");
    expect(() => loadMeshTls({ ...files("agent-1"), caFile })).toThrow(/ca\.pem holds no certificate/);
    rmSync(directory, { recursive: true });
  });

  it("they are of another node, another role or another cluster", () => {
    const tls = loadMeshTls(files("agent-1"));
    const options: MeshOptions = {
      clusterId: "test",
      nodeId: "agent-1",
      role: "agent",
      version: "1",
      servers: [{ voter: "v1", url: "wss://127.0.0.1:1/mesh" }],
      self: null,
      dataDir: mkdtempSync(join(tmpdir(), "ringrift-tls-")),
      keyring: null,
      tls,
      heartbeatIntervalMs: 200,
      log: () => undefined,
    };
    expect(() => createMesh(options)).not.toThrow();
    for (const change of [{ nodeId: "agent-2" }, { clusterId: "other" }])
      expect(() => createMesh({ ...options, ...change })).toThrow(/The certificate is of the agent agent-1/);
  });
});
