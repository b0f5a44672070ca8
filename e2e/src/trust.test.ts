import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StatusDocument } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "./cluster.ts";
import { killLeftovers, type Program, startProgram, waitFor } from "./program.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-trust-"));
});
afterEach(async () => {
  await killLeftovers();
  rmSync(directory, { recursive: true });
});

function environment(id: string, port: number, url: string): Record<string, string> {
  return {
    RINGRIFT_CLUSTER_ID: "test",
    RINGRIFT_NODE_ID: id,
    RINGRIFT_SERVERS: url,
    RINGRIFT_DATA_DIR: join(directory, id),
    RINGRIFT_LOG_LEVEL: "info",
    ...(id.startsWith("server")
      ? { RINGRIFT_HEALTH_SERVER_PORT: String(port) }
      : { RINGRIFT_AGENT_PORT: String(port) }),
  };
}

const fixtures = fileURLToPath(new URL("../../packages/mesh/fixtures/tls/", import.meta.url));
const fixture = (name: string): string => join(fixtures, `${name}.pem`);
const tls = (name: string): Record<string, string> => ({
  RINGRIFT_MESH_TLS_CERT_FILE: fixture(name),
  RINGRIFT_MESH_TLS_KEY_FILE: fixture(`${name}-key`),
  RINGRIFT_MESH_TLS_CA_FILE: fixture("authority"),
});

const logged = (program: Program, text: string): number => program.output().split(text).length - 1;

function keyFile(name: string, keys: readonly string[]): string {
  const path = join(directory, `${name}.keys`);
  writeFileSync(path, `${keys.join("\n")}\n`, { mode: 0o600 });
  return path;
}

describe("a key is rotated by SIGHUP on running programs", { timeout: 60_000 }, () => {
  it("without a link that ends, and the old key is refused once it is gone", async () => {
    const [old, next] = ["old", "new"].map((kid) => `${kid}:${randomBytes(32).toString("base64")}`);
    if (old === undefined || next === undefined) throw new Error("no keys");
    const port = await freePort();
    const url = `ws://127.0.0.1:${port}/mesh`;
    const start = async (
      app: "health-server" | "node-agent",
      id: string,
      appPort: number,
    ): Promise<Program> =>
      startProgram(app, [], {
        ...environment(id, appPort, url),
        RINGRIFT_MESH_KEY_FILE: keyFile(id, [old]),
      });
    const server = await start("health-server", "server-1", port);
    const agent = await start("node-agent", "agent-1", await freePort());
    const both = [server, agent];
    await waitFor("the agent's link", async () => (logged(agent, "a link is open") >= 1 ? true : null));

    const rotate = async (keys: readonly string[], times: number): Promise<void> => {
      for (const id of ["server-1", "agent-1"]) keyFile(id, keys);
      for (const program of both) program.process.kill("SIGHUP");
      await waitFor("both have reloaded", async () =>
        both.every((program) => logged(program, '"reloaded"') === times) ? true : null,
      );
    };
    await rotate([old, next], 1);
    await rotate([next, old], 2);
    await rotate([next], 3);
    expect(logged(server, '"kid":"new"')).toBeGreaterThan(0);

    // A keyring that cannot be read leaves the keys as they were.
    keyFile("server-1", ["nonsense"]);
    server.process.kill("SIGHUP");
    await waitFor("the failed reload", async () => (logged(server, "reload failed") === 1 ? true : null));

    const late = await start("node-agent", "agent-2", await freePort());
    await waitFor("the refusal", async () => (logged(server, '"reason":"key"') > 0 ? true : null));
    await late.kill("SIGKILL");
    for (const program of both) expect(logged(program, "a link has ended")).toBe(0);
    expect(await agent.kill("SIGTERM")).toBe(0);
    expect(await server.kill("SIGTERM")).toBe(0);
  });
});

describe("mutual TLS between running programs", { timeout: 60_000 }, () => {
  it("links an agent with its certificate, serves HTTPS, and takes a renewed certificate on SIGHUP", async () => {
    const port = await freePort();
    const url = `wss://127.0.0.1:${port}/mesh`;
    const server = startProgram("health-server", [], {
      ...environment("server-1", port, url),
      ...tls("server-1"),
    });
    const agent = startProgram("node-agent", [], {
      ...environment("agent-1", await freePort(), url),
      ...tls("agent-1"),
    });
    await waitFor("the agent's link", async () => (logged(agent, "a link is open") >= 1 ? true : null));
    const ca = readFileSync(fixture("authority"), "utf8");
    const status = await new Promise<number | undefined>((resolve, reject) => {
      get(`https://127.0.0.1:${port}/health`, { ca }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(200);
    server.process.kill("SIGHUP");
    await waitFor("the reload", async () => (logged(server, '"reloaded"') === 1 ? true : null));
    expect(logged(agent, "a link has ended")).toBe(0);
    expect(await agent.kill("SIGTERM")).toBe(0);
    expect(await server.kill("SIGTERM")).toBe(0);
  });

  it("degrades the nodes whose certificates end soon, as every server and every metric tells", async () => {
    const ports = [await freePort(), await freePort()];
    const urls = ports.map((port, index) => `server-${index + 1}=wss://127.0.0.1:${port}/mesh`).join(",");
    // Theirs last for a century, which is soon where two are asked for.
    const soon = { RINGRIFT_CREDENTIAL_WARNING: "36500" };
    for (const [index, port] of ports.entries()) {
      const id = `server-${index + 1}`;
      startProgram("health-server", [], { ...environment(id, port, urls), ...tls(id), ...soon });
    }
    const own = environment("agent-1", await freePort(), urls);
    startProgram("node-agent", [], { ...own, ...tls("agent-1"), ...soon });
    const told = async (verb: string): Promise<string> => {
      const ask = [verb, "--json", "--server", `https://127.0.0.1:${ports[0]}`];
      const cli = startProgram("cli", ask, { RINGRIFT_MESH_TLS_CA_FILE: fixture("authority") });
      await cli.exited;
      return cli.output();
    };
    let seen = "";
    await waitFor(
      "three degraded nodes",
      async () => {
        seen = await told("nodes");
        const { nodes } = JSON.parse(seen) as StatusDocument;
        const degraded = nodes.filter(
          ({ state, reasons }) =>
            state === "degraded" && reasons.join().includes("the certificate expires in"),
        );
        return degraded.length === 3 ? true : null;
      },
      20_000,
      () => seen,
    );
    const leader = JSON.parse(await told("leader")) as StatusDocument["cluster"];
    expect(leader.mesh?.credentials?.status).toBe("degraded");
  });

  it("is refused to start with a plain address, or with one of its three files alone", async () => {
    const port = await freePort();
    const plain = startProgram("health-server", [], {
      ...environment("server-1", port, `ws://127.0.0.1:${port}/mesh`),
      ...tls("server-1"),
    });
    expect(await plain.exited).toBe(78);
    expect(plain.output()).toContain("must be a wss:// address");
    const half = startProgram("node-agent", [], {
      ...environment("agent-1", port, `wss://127.0.0.1:${port}/mesh`),
      RINGRIFT_MESH_TLS_CERT_FILE: fixture("agent-1"),
    });
    expect(await half.exited).toBe(78);
    expect(half.output()).toContain("needs RINGRIFT_MESH_TLS_KEY_FILE and RINGRIFT_MESH_TLS_CA_FILE as well");
  });
});

describe("the command line asks a server with mutual TLS", { timeout: 60_000 }, () => {
  async function ringrift(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number | string; output: string }> {
    const program = startProgram("cli", args, env);
    const code = await program.exited;
    return { code, output: program.output() };
  }

  it("by its authority, from a flag, a variable or a file, and says what to do without it", async () => {
    const port = await freePort();
    const url = `wss://127.0.0.1:${port}/mesh`;
    startProgram("health-server", [], { ...environment("server-1", port, url), ...tls("server-1") });
    const agent = startProgram("node-agent", [], {
      ...environment("agent-1", await freePort(), url),
      ...tls("agent-1"),
    });
    await waitFor("the agent's link", async () => (logged(agent, "a link is open") >= 1 ? true : null));
    const server = ["--server", `https://127.0.0.1:${port}`];
    const ca = ["--mesh-tls-ca-file", fixture("authority")];

    await waitFor("the agent among the nodes", async () => {
      const nodes = await ringrift(["nodes", ...server, ...ca]);
      expect(nodes.code).toBe(0);
      return nodes.output.includes("agent-1") ? true : null;
    });
    const file = join(directory, "cli.yaml");
    writeFileSync(file, `meshTlsCaFile: ${fixture("authority")}\n`);
    const status = await ringrift(["status", ...server, "--config", file]);
    expect(status).toMatchObject({ code: 0, output: expect.stringContaining("server-1") });
    // A certificate of its own is shown too, as the whole environment of a node names one.
    const leader = await ringrift(["leader", ...server], tls("agent-1"));
    expect(leader).toMatchObject({ code: 0, output: expect.stringContaining("certificate  until 2120") });

    const untrusted = await ringrift(["status", ...server]);
    expect(untrusted.code).toBe(69);
    expect(untrusted.output).toContain("not trusted here");
    expect(untrusted.output).toContain("RINGRIFT_MESH_TLS_CA_FILE");
    expect((await ringrift(["check", ...server])).code).toBe(3);
    const plain = await ringrift(["status", "--server", `http://127.0.0.1:${port}`]);
    expect(plain).toMatchObject({ code: 69, output: expect.stringContaining("try https://") });
    const absent = await ringrift(["status", ...server, "--mesh-tls-ca-file", join(directory, "no.pem")]);
    expect(absent).toMatchObject({ code: 78, output: expect.stringContaining("--mesh-tls-ca-file") });
    const expired = [
      "--mesh-tls-cert-file",
      fixture("expired"),
      "--mesh-tls-key-file",
      fixture("expired-key"),
    ];
    const old = await ringrift(["status", ...server, ...ca, ...expired]);
    expect(old).toMatchObject({ code: 78, output: expect.stringContaining("expired.pem has expired") });
  });

  it("and is told when the certificate is of another host", async () => {
    const port = await freePort();
    startProgram("health-server", [], {
      ...environment("server-2", port, `server-2=wss://127.0.0.1:${port}/mesh`),
      ...tls("elsewhere"),
    });
    const ask = ["status", "--server", `https://127.0.0.1:${port}`];
    const told = await waitFor("an answer", async () => {
      const { code, output } = await ringrift(ask, { RINGRIFT_MESH_TLS_CA_FILE: fixture("authority") });
      return output.includes("connection refused") ? null : `${code} ${output}`;
    });
    expect(told).toMatch(/^69 .*another host name/);
    expect(told).toContain("Use an address that the certificate names");
  });
});
