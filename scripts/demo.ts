// Three servers and twelve agents on this machine, their GPUs replayed from a capture of a real H100, and one fault after
// another, told as it happens. Ctrl-C ends it and leaves nothing behind.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type StatusDocument, statusDocumentSchema } from "@ringrift/protocol";
import { GpuHost } from "./demo/gpu-host.ts";
import { Program } from "./demo/program.ts";
import { type Actor, type Scene, type Stage, scenes } from "./demo/scenes.ts";
import { onLauncherGone } from "./launchers.ts";

const serverPorts = [8790, 8890, 8990];
const firstAgentPort = 8801;
const agentCount = 12;
const trainers = 3;
const calmSeconds = 15;

const directory = mkdtempSync(join(tmpdir(), "ringrift-demo-"));
const ended = new AbortController();
const started = performance.now();

function say(text: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  const clock = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  console.log(`${clock}  ${text}`);
}

const common = {
  RINGRIFT_CLUSTER_ID: "demo",
  RINGRIFT_SERVERS: serverPorts.map((port) => `ws://127.0.0.1:${port}/mesh`).join(","),
  RINGRIFT_EXPECTED_NODES: String(agentCount),
  RINGRIFT_LOG_LEVEL: "fatal",
};

const servers = serverPorts.map((port, index) => {
  const name = `server-${index + 1}`;
  return new Program("health-server", name, {
    ...common,
    RINGRIFT_NODE_ID: name,
    RINGRIFT_HEALTH_SERVER_PORT: String(port),
    RINGRIFT_DATA_DIR: join(directory, name),
  });
});
const actors = Array.from({ length: agentCount }, (_, index) => createActor(index));

function createActor(index: number): Actor {
  const name = `gpu-${String(index + 1).padStart(2, "0")}`;
  const own = join(directory, name);
  const port = firstAgentPort + index;
  const agentUrl = `http://127.0.0.1:${port}`;
  const host = new GpuHost(name, own);
  const trainerFails = join(own, "trainer-fails");
  const command = [
    process.execPath,
    fileURLToPath(new URL("demo/trainer.ts", import.meta.url)),
    trainerFails,
    agentUrl,
  ];
  const daemonsFile = join(own, "daemons.json");
  const daemons = index < trainers ? [{ name: "trainer", command, critical: true }] : [];
  mkdirSync(own, { recursive: true });
  // JSON is YAML too.
  writeFileSync(daemonsFile, JSON.stringify({ daemons }));
  const agent = new Program("node-agent", name, {
    ...common,
    ...host.environment(),
    RINGRIFT_AGENT_PORT: String(port),
    RINGRIFT_DAEMONS_FILE: daemonsFile,
    RINGRIFT_HEALTH_CHECK_INTERVAL: "5",
  });
  return { agent, agentUrl, host, trainerFails };
}

/** What the first server that answers says; null when none does. */
async function status(): Promise<StatusDocument | null> {
  for (const port of serverPorts) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/status`, { signal: AbortSignal.timeout(2000) });
      return statusDocumentSchema.parse(await answer.json());
    } catch {
      // The next one may know.
    }
  }
  return null;
}

const stage: Stage = {
  servers,
  actors,
  leader: async () => {
    const leaderId = (await status())?.cluster.leaderId ?? null;
    return servers.find(({ name }) => name === leaderId) ?? null;
  },
};

async function tell(): Promise<void> {
  const now = await status();
  if (now === null) return say("  no server answers");
  const { cluster, nodes } = now;
  const bad = nodes
    .filter(({ link, state }) => link !== "alive" || state !== "healthy")
    .map(({ id, link, state }) => `${id} ${link === "alive" ? "" : `${link}, `}${state}`);
  say(
    `  ${now.level}, score ${now.score ?? "unknown"}; leader ${cluster.leaderId ?? "none"}; quorum ${cluster.quorum.held ? "held" : "lost"}, ${cluster.quorum.have} of ${servers.length} servers${bad.length > 0 ? `; ${bad.join(", ")}` : ""}`,
  );
}

async function play({ title, watch, seconds, over, begin }: Scene): Promise<void> {
  say(title);
  say(`  watch: ${watch}`);
  const end = await begin(stage);
  try {
    await delay(seconds * 1000, undefined, ended);
    await tell();
  } finally {
    await end();
  }
  say(`  ${over}`);
  await delay(calmSeconds * 1000, undefined, ended);
}

async function warmUp(): Promise<void> {
  for (const server of servers) server.start();
  for (const { agent } of actors) {
    agent.start();
    // One after another: a dozen starts at once would only wait for one another.
    await delay(300, undefined, ended);
  }
  for (;;) {
    const now = await status();
    const alive = now?.nodes.filter(({ role, state }) => role === "agent" && state === "healthy").length ?? 0;
    if (alive === agentCount && now?.cluster.leaderId != null) return;
    await delay(500, undefined, ended);
  }
}

async function stopAll(): Promise<void> {
  // The agents first, so that they can say goodbye to servers that still listen.
  await Promise.all(actors.map(({ agent }) => agent.stop()));
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(directory, { recursive: true, force: true });
}

const stop = (): void => ended.abort();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
onLauncherGone(stop);
try {
  say(
    `three servers and ${agentCount} agents are starting; the page will be http://127.0.0.1:${serverPorts[0]}/`,
  );
  await warmUp();
  await tell();
  say("all are up; one fault after another follows, until Ctrl-C");
  for (;;) for (const scene of scenes) await play(scene);
} catch (error) {
  if (!ended.signal.aborted) {
    console.error(error);
    process.exitCode = 1;
  }
} finally {
  await stopAll();
}
