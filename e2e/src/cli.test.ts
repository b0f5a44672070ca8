import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { statusDocumentSchema } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, freePort, startCluster } from "./cluster.ts";
import { startProgram, waitFor } from "./program.ts";

let cluster: Cluster;
let server: string;
const directory = mkdtempSync(join(tmpdir(), "ringrift-cli-"));

beforeAll(async () => {
  cluster = await startCluster({ servers: 1, agents: 1 });
  server = cluster.servers[0]?.url ?? "";
  await waitFor("a healthy cluster", async () => {
    const status = await cluster.servers[0]?.status();
    return status?.score === 100 ? true : null;
  });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function ringrift(...args: string[]): Promise<{ code: number | string; output: string }> {
  const program = startProgram("cli", args, { RINGRIFT_DATA_DIR: directory });
  const code = await program.exited;
  return { code, output: program.output() };
}

describe("the command line", { timeout: 30_000 }, () => {
  it("shows the cluster for people and as the server's own document for scripts", async () => {
    const screen = await ringrift("status", "--server", server);
    expect(screen.code).toBe(0);
    expect(screen.output).toContain("score 100");
    expect(screen.output).toContain("agent-1");
    const json = await ringrift("status", "--server", server, "--json");
    expect(statusDocumentSchema.safeParse(JSON.parse(json.output)).error).toBeUndefined();
  });

  it.each([
    ["nodes", "ringrift.nodes/1"],
    ["gpus", "ringrift.gpus/1"],
    ["leader", "ringrift.leader/1"],
    ["daemons", "ringrift.daemons/1"],
    ["pipeline", "ringrift.pipeline/1"],
    ["events", "ringrift.events/1"],
  ])("%s names the schema of its JSON and has a screen", async (verb, schema) => {
    const json = await ringrift(verb, "--json", "--server", server);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.output)).toMatchObject({ schema });
    const screen = await ringrift(verb, "--server", server);
    expect(screen.code).toBe(0);
    expect(screen.output.trim()).not.toBe("");
  });

  it("follows what happens, and goes on where it was after the server came back", async () => {
    const follow = startProgram("cli", ["events", "--follow", "--json", "--server", server], {});
    const lines = (): { id: string; type: string }[] =>
      follow
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line));
    const heard = (text: string) =>
      waitFor(text, async () => (follow.output().includes(text) ? true : null), 20_000, follow.output);
    await heard("node_up");
    const [member] = cluster.servers;
    await member?.program.kill("SIGKILL");
    await heard("is lost");
    member?.start();
    await heard("Connected again");
    // The restarted server counts anew, and none of its events may be missed.
    await waitFor("the first event of the new run", async () =>
      lines().filter(({ id }) => id === "server-1/1").length === 2 ? true : null,
    );
    expect(await follow.kill("SIGINT")).toBe(0);
    await waitFor("a healthy cluster", async () => ((await member?.status())?.score === 100 ? true : null));
  });

  it("shows one node with its checks, and says which one it does not know", async () => {
    const known = await ringrift("node", "agent-1", "--server", server);
    expect(known.code).toBe(0);
    expect(known.output).toContain("memory");
    const unknown = await ringrift("node", "agent-9", "--server", server);
    expect(unknown.code).toBe(1);
    expect(unknown.output).toContain("agent-9");
  });

  it("checks with one line and a plugin's exit code", async () => {
    const cluster = await ringrift("check", "--server", server);
    expect(cluster.output).toMatch(/^CLUSTER OK - score 100, .* \| score=100;/);
    expect(cluster.code).toBe(0);
    expect((await ringrift("check", "node", "agent-1", "--server", server)).code).toBe(0);
    expect((await ringrift("check", "node", "agent-9", "--server", server)).code).toBe(3);
  });

  it("says UNKNOWN in a check, and exits 69 elsewhere, when nobody answers", async () => {
    const silent = `http://127.0.0.1:${await freePort()}`;
    expect((await ringrift("check", "--server", silent)).code).toBe(3);
    const status = await ringrift("status", "--server", silent);
    expect(status.code).toBe(69);
    expect(status.output).toContain("connection refused");
  });

  it("exits 64 on a verb or option that does not exist, and on a server that is no address", async () => {
    expect((await ringrift("statsu")).code).toBe(64);
    expect((await ringrift("status", "--colour")).code).toBe(64);
    expect((await ringrift("status", "--server", "here")).code).toBe(64);
  });

  it("scans this host without any server", async () => {
    const scan = await ringrift("scan", "--json");
    const answer = JSON.parse(scan.output) as { checks: { check: string }[]; exitCode: number };
    expect(scan.code).toBe(answer.exitCode);
    expect(answer.checks.map((check) => check.check)).toContain("memory");
  });
});
