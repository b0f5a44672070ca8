import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeReport } from "@ringrift/protocol";
import { createMesh } from "../create-mesh.ts";
import { type Keyring, parseKeyring } from "../keyring.ts";
import type { Mesh, MeshEvent, MeshOptions, MeshStatus } from "../mesh.ts";

/** One member of a cluster on this machine, with all that it was told and said. */
export interface LocalNode {
  readonly mesh: Mesh;
  readonly options: MeshOptions;
  readonly events: readonly MeshEvent[];
  readonly logged: readonly string[];
  /** Cuts every TCP connection of a server, like a killed process, and takes no new one. */
  kill(): void;
}

/** A cluster on free loopback ports, each server behind an HTTP server of its own. */
export class LocalCluster {
  readonly #directory = mkdtempSync(join(tmpdir(), "ringrift-mesh-"));
  readonly #closers: (() => void | Promise<void>)[] = [];
  readonly #https = new Map<string, { readonly server: Server; readonly sockets: Set<Socket> }>();
  readonly #key = `k1:${randomBytes(32).toString("base64")}`;
  readonly keyring: Keyring = parseKeyring(this.#key, "test");
  readonly servers: { voter: string; url: string }[] = [];

  /** Opens the ports of the servers, so that all addresses are known before anyone starts. */
  async reserve(count: number): Promise<void> {
    for (let index = 1; index <= count; index += 1) {
      const voter = `v${index}`;
      const sockets = new Set<Socket>();
      const server = createServer((_request, response) => response.end());
      server.on("connection", (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      });
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      const { port } = server.address() as AddressInfo;
      this.servers.push({ voter, url: `ws://127.0.0.1:${port}/mesh` });
      this.#https.set(voter, { server, sockets });
    }
  }

  async server(index: number, changes: Partial<MeshOptions> = {}): Promise<LocalNode> {
    const voter = `v${index}`;
    const http = this.#https.get(voter);
    if (http === undefined) throw new Error(`no port was reserved for ${voter}`);
    const node = this.#node({ nodeId: `server-${index}`, role: "server", self: voter, ...changes }, () => {
      http.server.close();
      for (const socket of http.sockets) socket.destroy();
    });
    http.server.on("upgrade", (request, socket, head) => node.mesh.handleUpgrade(request, socket, head));
    await node.mesh.start();
    return node;
  }

  async agent(index: number, changes: Partial<MeshOptions> = {}): Promise<LocalNode> {
    const node = this.#node(
      { nodeId: `agent-${index}`, role: "agent", self: null, ...changes },
      () => undefined,
    );
    await node.mesh.start();
    return node;
  }

  /** An agent in a process of its own, to be killed or stopped. */
  agentProcess(index: number): ChildProcess {
    return this.#spawn({ nodeId: `agent-${index}`, role: "agent", self: null, port: null });
  }

  /** A server in a process of its own, on the port that was reserved for it. */
  async serverProcess(index: number): Promise<ChildProcess> {
    const voter = `v${index}`;
    await new Promise((resolve) => {
      this.#https.get(voter)?.server.close(resolve);
    });
    const port = Number(new URL(this.servers[index - 1]?.url ?? "").port);
    return this.#spawn({ nodeId: `server-${index}`, role: "server", self: voter, port });
  }

  #spawn(
    own: Pick<MeshOptions, "nodeId" | "role" | "self"> & { readonly port: number | null },
  ): ChildProcess {
    const options = {
      clusterId: "test",
      version: "1.2.3",
      servers: this.servers,
      dataDir: join(this.#directory, own.nodeId),
      heartbeatIntervalMs: 200,
      key: this.#key,
      ...own,
    };
    const program = fileURLToPath(new URL("mesh-process.ts", import.meta.url));
    const child = spawn(process.execPath, [program, JSON.stringify(options)], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.#closers.push(() => void child.kill("SIGKILL"));
    return child;
  }

  #node(
    own: Pick<MeshOptions, "nodeId" | "role" | "self"> & Partial<MeshOptions>,
    kill: () => void,
  ): LocalNode {
    const logged: string[] = [];
    const events: MeshEvent[] = [];
    const options: MeshOptions = {
      clusterId: "test",
      version: "1.2.3",
      servers: this.servers,
      dataDir: join(this.#directory, own.nodeId),
      keyring: this.keyring,
      heartbeatIntervalMs: 200,
      log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
      ...own,
    };
    const mesh = createMesh(options);
    mesh.onEvent((event) => events.push(event));
    this.#closers.push(() => mesh.stop());
    return { mesh, options, events, logged, kill };
  }

  /** The TCP connections that a server has now. */
  sockets(index: number): ReadonlySet<Socket> {
    return this.#https.get(`v${index}`)?.sockets ?? new Set();
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
    for (const { server, sockets } of this.#https.values()) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Waits until the condition holds. @throws Error with what is there instead, after ten seconds. */
export async function eventually(
  what: string,
  holds: () => boolean,
  state: () => unknown = () => "",
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline)
      throw new Error(`never came true: ${what}\n${JSON.stringify(state(), null, 1)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** How a node lists another; "absent" when it does not. */
export function linkOf(status: MeshStatus, id: string): string {
  return status.members.find((member) => member.id === id)?.link ?? "absent";
}

export function emptyReport(seq: number, full: boolean): NodeReport {
  return { full, seq, sentAt: 1, version: "1.2.3", startedAt: 1, checks: [] };
}
