// Runs one health-server and one node-agent on this host and shows a first status; Ctrl-C stops both.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onLauncherGone } from "./launchers.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const serverUrl = `http://127.0.0.1:${process.env.RINGRIFT_HEALTH_SERVER_PORT ?? 8790}`;
const agentUrl = `http://127.0.0.1:${process.env.RINGRIFT_AGENT_PORT ?? 8791}`;
const children: {
  readonly name: string;
  readonly process: ChildProcess;
  readonly exited: Promise<number>;
}[] = [];
let stopping = false;
let failed = false;

function start(name: string): void {
  const child = spawn(process.execPath, [`${root}apps/${name}/dist/main.js`], {
    stdio: ["ignore", "inherit", "inherit"],
    // Their own group, so that Ctrl-C reaches them through us once and in order.
    detached: true,
    env: { RINGRIFT_LOG_LEVEL: "warn", ...process.env },
  });
  const exited = new Promise<number>((resolve) => {
    child.on("exit", (code) => {
      resolve(code ?? 1);
      if (stopping) return;
      console.error(`${name} stopped by itself with exit code ${code ?? "unknown"}; stopping the rest.`);
      failed = true;
      void stop();
    });
  });
  children.push({ name, process: child, exited });
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  // The agent first, so that it can say goodbye to a server that still listens.
  for (const { process: child, exited } of children.toReversed()) {
    child.kill("SIGTERM");
    if ((await exited) !== 0) failed = true;
  }
  process.exit(failed ? 1 : 0);
}

async function ready(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ready`, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

async function showFirstStatus(): Promise<void> {
  const end = performance.now() + 30_000;
  while (!stopping && performance.now() < end) {
    if ((await ready(serverUrl)) && (await ready(agentUrl))) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (stopping) return;
  const cli = spawn(process.execPath, [`${root}apps/cli/dist/main.js`, "status", "--server", serverUrl], {
    stdio: "inherit",
  });
  await new Promise((resolve) => cli.on("exit", resolve));
  console.log(`
  page      ${serverUrl}/
  server    ${serverUrl}/health  /ready  /metrics  /status
  agent     ${agentUrl}/health  /ready  /metrics  /status

Running; Ctrl-C stops both.`);
}

onLauncherGone(() => void stop());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());
start("health-server");
start("node-agent");
await showFirstStatus();
