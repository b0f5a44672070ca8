import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StatusDaemon } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, type Member, startCluster } from "./cluster.ts";
import { startProgram, waitFor } from "./program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-daemons-"));
const daemonsFile = join(directory, "daemons.yaml");
const tokenFile = join(directory, "token");
let cluster: Cluster;
let agent: Member;
let server: Member;

const ticker = `  - name: ticker
    command: [/bin/sh, -c, "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.05; done"]
    critical: true
    restart: { stableSeconds: 0.2 }
`;
const worker = (version: string): string => `  - name: worker
    command: [sleep, "1000"]
    env: { VERSION: "${version}" }
    dependsOn: [ticker]
`;

beforeAll(async () => {
  writeFileSync(daemonsFile, `daemons:\n${ticker}${worker("1")}`);
  writeFileSync(tokenFile, "correct horse\n", { mode: 0o600 });
  cluster = await startCluster({
    servers: 1,
    agents: 1,
    agentEnv: { RINGRIFT_DAEMONS_FILE: daemonsFile, RINGRIFT_API_TOKEN_FILE: tokenFile },
  });
  const [firstAgent] = cluster.agents;
  const [firstServer] = cluster.servers;
  if (firstAgent === undefined || firstServer === undefined) throw new Error("no cluster");
  agent = firstAgent;
  server = firstServer;
  await daemonIs("worker", ({ state }) => state === "running", server);
}, 60_000);
afterAll(async () => {
  // Daemons outlive an agent that is killed, and so would those of this test.
  await agent?.program.kill("SIGTERM");
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function daemonIs(
  name: string,
  holds: (daemon: StatusDaemon) => boolean,
  member: Member = agent,
): Promise<StatusDaemon> {
  return await waitFor(`daemon ${name}`, async () => {
    const daemon = (await member.status()).daemons.find((one) => one.name === name);
    return daemon !== undefined && holds(daemon) ? daemon : null;
  });
}

async function ringrift(...args: string[]): Promise<{ code: number | string; output: string }> {
  const program = startProgram("cli", [...args, "--server", agent.url], {});
  const code = await program.exited;
  return { code, output: program.output() };
}

/** The numbers of the events of a stream, as they come. */
async function followed(url: string): Promise<{ seqs(): number[]; close(): Promise<void> }> {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: "text/event-stream" }, signal: abort.signal });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  })().catch(() => undefined);
  return {
    seqs: () => [...text.matchAll(/^id: \d+-(\d+)$/gm)].map(([, seq]) => Number(seq)),
    close: async () => {
      abort.abort();
      await reading;
    },
  };
}

describe("the daemons of an agent", { timeout: 30_000 }, () => {
  it("are in the status of agent and server, in the metrics and on the screen", async () => {
    const daemon = await daemonIs("ticker", ({ memoryBytes }) => memoryBytes !== null, server);
    expect(daemon).toMatchObject({ node: "agent-1", ready: true, critical: true, lastExit: null });
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toMatch(/^ringrift_daemon_memory_bytes\{daemon="ticker",node="agent-1"\} \d+/m);
    expect(metrics).toMatch(/^ringrift_daemon_ready\{daemon="worker",node="agent-1"\} 1$/m);
    const screen = await ringrift("daemons");
    expect(screen.output).toMatch(/ticker +agent-1 +● running/);
  });

  it("are stopped and started by name with the token, and by nobody without it", async () => {
    const denied = await ringrift("daemon", "stop", "worker");
    expect([denied.code, denied.output]).toEqual([77, expect.stringContaining("--token-file")]);
    const stopped = await ringrift("daemon", "stop", "worker", "--token-file", tokenFile);
    expect(stopped).toEqual({
      code: 0,
      output: expect.stringMatching(/^worker {2}○ stopped {2}stopped by an operator: ended in its grace, /),
    });
    await daemonIs("worker", ({ state }) => state === "stopped", server);
    const started = await ringrift("daemon", "start", "worker", "--json", "--token-file", tokenFile);
    expect(JSON.parse(started.output)).toMatchObject({ schema: "ringrift.daemon/1" });
    await daemonIs("worker", ({ state }) => state === "running", server);
    const unknown = await ringrift("daemon", "restart", "nothing", "--token-file", tokenFile);
    expect([unknown.code, unknown.output]).toEqual([
      1,
      expect.stringContaining("defined are ticker, worker"),
    ]);
    const unreadable = await ringrift("daemon", "stop", "worker", "--token-file", "/nowhere");
    expect([unreadable.code, unreadable.output]).toEqual([78, expect.stringContaining("/nowhere")]);
  });

  it("show what they write, once and as it comes", async () => {
    const logs = await ringrift("logs", "ticker", "--lines", "2", "--token-file", tokenFile);
    expect([logs.code, logs.output]).toEqual([0, expect.stringMatching(/^tick \d+\ntick \d+\n$/)]);
    const follow = startProgram(
      "cli",
      ["logs", "ticker", "--follow", "--lines", "1", "--token-file", tokenFile, "--server", agent.url],
      {},
    );
    await waitFor("five lines", async () => (follow.output().split("\n").length > 5 ? true : null));
    expect(await follow.kill("SIGINT")).toBe(0);
    const numbers = follow
      .output()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Number(line.replace("tick ", "")));
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
    expect((await ringrift("logs", "ticker", "--lines", "many", "--token-file", tokenFile)).code).toBe(1);
  });

  it("that die and are back at once have died all the same: the event says so", async () => {
    const { pid, restarts } = await daemonIs("ticker", ({ state }) => state === "running");
    process.kill(pid ?? 0, "SIGKILL");
    await daemonIs("ticker", (daemon) => daemon.restarts === restarts + 1 && daemon.ready, server);
    for (const member of [agent, server]) {
      await waitFor("the event", async () => {
        const tells = (await member.events()).some(
          (event) =>
            event.name === "DAEMON_FAILED" &&
            event.data.daemon === "ticker" &&
            event.data.reason.includes("SIGKILL"),
        );
        return tells ? true : null;
      });
    }
    const daemon = await daemonIs("ticker", ({ lastExit }) => lastExit !== null);
    expect(daemon.lastExit).toBe("was killed by SIGKILL");
  });

  it("tell a reader that joins in the middle of a restart each change once: what was, then what comes", async () => {
    for (const _ of [1, 2]) {
      const { pid, restarts } = await daemonIs("ticker", ({ ready }) => ready);
      process.kill(pid ?? 0, "SIGKILL");
      // What was until now, and from its last number on what comes: the restart is under way.
      const had = await agent.events();
      const stream = await followed(`${agent.url}/v1/events?after=${had.at(-1)?.seq ?? 0}`);
      await daemonIs("ticker", (daemon) => daemon.restarts > restarts && daemon.ready);
      const last = (await agent.events()).at(-1)?.seq ?? 0;
      await waitFor("the last event", async () => (stream.seqs().includes(last) ? true : null));
      await stream.close();
      const numbers = [...had.map(({ seq }) => seq), ...stream.seqs()];
      expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
    }
  });

  it("are reloaded at SIGHUP: only what changed restarts, and a bad file changes nothing", async () => {
    const before = await daemonIs("ticker", ({ ready }) => ready);
    const worker1 = await daemonIs("worker", ({ ready }) => ready);
    writeFileSync(daemonsFile, `daemons:\n${ticker}${worker("2")}`);
    agent.program.process.kill("SIGHUP");
    await daemonIs("worker", ({ pid, ready }) => ready && pid !== worker1.pid);
    expect((await daemonIs("ticker", ({ ready }) => ready)).pid).toBe(before.pid);
    writeFileSync(daemonsFile, `daemons:\n${ticker}    critcal: true\n`);
    agent.program.process.kill("SIGHUP");
    await waitFor("the refusal", async () =>
      agent.program.output().includes("did you mean critical?") ? true : null,
    );
    expect((await agent.status()).daemons.map(({ name, state }) => [name, state])).toEqual([
      ["ticker", "running"],
      ["worker", "running"],
    ]);
  });

  it("are refused with file, line and key by config check and at a start, exit code 78, when their file is bad", async () => {
    const bad = join(directory, "bad.yaml");
    writeFileSync(bad, "daemons:\n  - name: a\n    command: [sleep, '1']\n    dependsOn: [b]\n");
    for (const args of [["config", "check"], []]) {
      const program = startProgram("node-agent", args, { RINGRIFT_DAEMONS_FILE: bad });
      expect(await program.exited).toBe(78);
      expect(program.output()).toContain(`${bad}:4: daemons[0].dependsOn[0]: unknown daemon "b"`);
    }
  });
});
