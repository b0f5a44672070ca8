import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withTemporaryFolder } from "./pack.ts";
import { repositoryRoot } from "./workspace.ts";

/** A started program, its output so far, and how to stop it. */
interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

const readyTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;
const keptOutput = 8_000;

const textFormat = "text/plain; version=0.0.4";
const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

function start(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-keptOutput);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", (error) => {
      output += error.message;
      resolve(null);
    });
  });
  return { name, child, output: () => output, exited };
}

async function stop(running: Running): Promise<string | null> {
  if (running.child.exitCode !== null)
    return `${running.name} had ended with ${running.child.exitCode}:\n${running.output()}`;
  running.child.kill("SIGTERM");
  const code = await Promise.race([running.exited, sleep(stopTimeoutMs, "late" as const, { ref: false })]);
  if (code === 0) return null;
  running.child.kill("SIGKILL");
  return `${running.name} should exit 0 within ${stopTimeoutMs / 1000} s of SIGTERM, but: ${code}\n${running.output()}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
}

// Polls until `ask` is satisfied; what it last said is part of the error.
async function until(
  what: string,
  watched: readonly Running[],
  ask: () => Promise<true | string>,
): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  let last = "";
  while (performance.now() < deadline) {
    for (const { name, child, output } of watched) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}:\n${output()}`);
      }
    }
    try {
      const answer = await ask();
      if (answer === true) return;
      last = answer;
    } catch (error) {
      last = error instanceof Error ? error.message : `${error}`;
    }
    await sleep(200);
  }
  throw new Error(
    `${what}: not within ${readyTimeoutMs / 1000} s; last answer: ${last}\n${watched.map(({ output }) => output()).join("\n")}`,
  );
}

async function ready(url: string): Promise<true | string> {
  const response = await fetch(`${url}/ready`);
  return response.status === 200 ? true : `${response.status} ${await response.text()}`;
}

async function promtoolProblem(name: string, text: string): Promise<string | null> {
  const promtool = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  promtool.stdout.on("data", (chunk) => {
    said += chunk;
  });
  promtool.stderr.on("data", (chunk) => {
    said += chunk;
  });
  promtool.stdin.end(text);
  const [code] = await once(promtool, "close");
  return code === 0 && said.trim() === ""
    ? null
    : `promtool check metrics complains about ${name} (${code}):\n${said}`;
}

// promtool reads the classic text format only; OpenMetrics is judged by its frame here and by Prometheus itself below.
async function metricsProblems(name: string, url: string): Promise<(string | null)[]> {
  const text = await fetch(`${url}/metrics`, { headers: { accept: textFormat } });
  const open = await fetch(`${url}/metrics`, { headers: { accept: openMetrics } });
  const textType = text.headers.get("content-type") ?? "none";
  const openType = open.headers.get("content-type") ?? "none";
  const openBody = await open.text();
  return [
    textType.startsWith("text/plain")
      ? null
      : `${name} answers ${textType} to a client that accepts ${textFormat}`,
    await promtoolProblem(name, await text.text()),
    openType.startsWith("application/openmetrics-text")
      ? null
      : `${name} answers ${openType} to a client of OpenMetrics`,
    openBody.endsWith("# EOF\n") ? null : `${name}'s OpenMetrics text does not end with "# EOF"`,
  ];
}

/** A Prometheus that scrapes both programs each second; it asks for OpenMetrics, and a bad line fails the scrape. */
async function startPrometheus(folder: string, port: number, targets: readonly number[]): Promise<Running> {
  const config = join(folder, "prometheus.yml");
  const list = targets.map((target) => `"127.0.0.1:${target}"`).join(", ");
  const scrape = `- job_name: ringrift\n    static_configs:\n      - targets: [${list}]\n`;
  await writeFile(
    config,
    `global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  ${scrape}`,
  );
  return start(
    "prometheus",
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    {},
  );
}

interface TargetsAnswer {
  readonly data: {
    readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[];
  };
}

async function scraped(url: string, wanted: number): Promise<true | string> {
  const response = await fetch(`${url}/api/v1/targets?state=active`);
  const answer = (await response.json()) as TargetsAnswer;
  const up = answer.data.activeTargets.filter(({ health }) => health === "up").length;
  return up === wanted
    ? true
    : JSON.stringify(answer.data.activeTargets.map(({ health, lastError }) => [health, lastError]));
}

async function main(): Promise<void> {
  await withTemporaryFolder("check-metrics", async (folder) => {
    const [serverPort, agentPort, prometheusPort] = [await freePort(), await freePort(), await freePort()];
    const shared = {
      RINGRIFT_HEALTH_SERVER_PORT: `${serverPort}`,
      RINGRIFT_AGENT_PORT: `${agentPort}`,
      RINGRIFT_SERVERS: `ws://127.0.0.1:${serverPort}/mesh`,
    };
    const programs = [
      {
        name: "health-server",
        main: "apps/health-server/dist/main.js",
        url: `http://127.0.0.1:${serverPort}`,
      },
      { name: "node-agent", main: "apps/node-agent/dist/main.js", url: `http://127.0.0.1:${agentPort}` },
    ];
    const started: Running[] = [];
    const problems: (string | null)[] = [];
    try {
      for (const program of programs) {
        const data = join(folder, program.name);
        await mkdir(data);
        const path = join(repositoryRoot, program.main);
        started.push(start(program.name, process.execPath, [path], { ...shared, RINGRIFT_DATA_DIR: data }));
      }
      for (const { name, url } of programs) await until(`${name} is ready`, started, () => ready(url));
      for (const { name, url } of programs) problems.push(...(await metricsProblems(name, url)));
      started.unshift(await startPrometheus(folder, prometheusPort, [serverPort, agentPort]));
      const prometheus = `http://127.0.0.1:${prometheusPort}`;
      await until("Prometheus scrapes both programs", started, () => scraped(prometheus, programs.length));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : `${error}`);
    } finally {
      for (const running of started) problems.push(await stop(running));
    }
    const found = problems.filter((problem) => problem !== null);
    for (const problem of found) console.error(`check-metrics: ${problem}`);
    console.log(`check-metrics: ${programs.length} programs, ${found.length} problems`);
    if (found.length > 0) process.exitCode = 1;
  });
}

if (import.meta.main) await main();
