import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { killLeftovers, type Program, startCommand, startProgram, waitFor } from "@ringrift/e2e/program";
import { version as libraryVersion } from "systeminformation";
import { type Figure, median } from "./figure.ts";
import { healthBesideBadSmi } from "./probes/bad-nvidia-smi.ts";
import { processCost } from "./probes/process-cost.ts";
import { scrape } from "./probes/scraper.ts";
import { writeSyntheticProc } from "./probes/synthetic-proc.ts";
import { runsPerFigure, sleep, versionOf } from "./timed.ts";

const ports = { server: 18_790, agent: 18_791, exporter: 18_792 };
const exporterName = "prometheus-node-exporter";
/** What an agent compiles and collects as it starts is no cost of idling. */
const settleMs = 40_000;
const scrapeEveryMs = 5_000;
const scrapesPerWindow = 2;
const clients = 8;
const loadWindowMs = 2_000;
const manyProcesses = 2_000;

/** The cost of watching one host: a sample, an idle agent, and an agent that many ask. */
export async function run(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-bench-"));
  try {
    const samples = await hostSamples(folder);
    startProgram("health-server", ["--port", String(ports.server)], {
      RINGRIFT_LOG_LEVEL: "warn",
      RINGRIFT_DATA_DIR: folder,
    });
    await seriesOf(ports.server);
    const agent = await startAgent(folder);
    const version = versionOf(exporterName, "--version");
    const exporter =
      version === null
        ? null
        : startCommand(exporterName, [`--web.listen-address=127.0.0.1:${ports.exporter}`], {});
    if (exporter !== null) await seriesOf(ports.exporter);
    const idle = await idleCost(agent, exporter);
    await agent.kill("SIGTERM");
    await startAgent(folder, eightGpus());
    const busy = await throughput(exporter);
    const health = await healthBesideBadSmi(folder);
    const peer = (value: number | null) =>
      value === null || version === null
        ? { note: `${exporterName} is not installed` }
        : { peer: { name: "node_exporter", version, value } };
    return [
      ...samples,
      {
        name: "agent_idle_cpu_ratio",
        unit: "CPU s/min",
        value: median(idle.cpu),
        runs: idle.cpu,
        ...peer(idle.peerCpu),
      },
      {
        name: "agent_idle_rss_mb",
        unit: "MiB",
        value: Math.max(...idle.rss),
        runs: idle.rss,
        ...peer(idle.peerRss),
      },
      {
        name: "metrics_agent_requests_per_second",
        unit: "req/s",
        value: median(busy.runs),
        runs: busy.runs,
        ...peer(busy.peer),
      },
      { name: "metrics_agent_series", unit: "series", value: busy.series, note: "of the figure above" },
      ...health,
    ];
  } finally {
    await killLeftovers();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface HostSample {
  readonly warmMs: readonly number[];
  readonly coldMs: readonly number[];
  readonly children: boolean;
  readonly checks: readonly { readonly check: string; readonly ms: number; readonly systemMs: number }[];
}

/** All checks of the host but the GPUs', once, in milliseconds of CPU; and each by itself. */
async function hostSamples(folder: string): Promise<Figure[]> {
  console.error("  samples of the host");
  const { warmMs, coldMs, checks } = await hostSample();
  const note = `${checks.length} checks, no child process`;
  const peer = { name: "systeminformation, 6 calls", ...(await librarySample()) };
  const procRoot = join(folder, "proc");
  writeSyntheticProc(procRoot, manyProcesses);
  const many = await hostSample(procRoot);
  return [
    { name: "host_sample_cpu_ms", unit: "ms", value: median(warmMs), runs: warmMs, peer },
    { name: "host_sample_cold_cpu_ms", unit: "ms", value: median(coldMs), runs: coldMs, note },
    {
      name: "host_sample_many_processes_cpu_ms",
      unit: "ms",
      value: median(many.warmMs),
      runs: many.warmMs,
      note: `${manyProcesses} processes in a copied /proc`,
    },
    ...checks.map(({ check, ms, systemMs }) => ({
      name: `host_check_${check.replaceAll("-", "_")}_cpu_ms`,
      unit: "ms",
      value: ms,
      note: `${Math.round((100 * systemMs) / ms)} % of it in the kernel`,
    })),
  ];
}

async function hostSample(procRoot?: string): Promise<HostSample> {
  const script = fileURLToPath(new URL("probes/host-sample.ts", import.meta.url));
  const args = procRoot === undefined ? [script] : [script, procRoot];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const sample = JSON.parse(stdout) as HostSample;
  if (sample.children) throw new Error("a host check started a child process");
  return sample;
}

/** The same by the library that a Node program would ask, its children included. */
async function librarySample(): Promise<{ readonly version: string; readonly value: number }> {
  const script = fileURLToPath(new URL("probes/library-sample.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return { version: libraryVersion(), value: (JSON.parse(stdout) as { readonly meanMs: number }).meanMs };
}

async function startAgent(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const agent = startProgram("node-agent", ["--port", String(ports.agent)], {
    RINGRIFT_LOG_LEVEL: "warn",
    RINGRIFT_DATA_DIR: folder,
    RINGRIFT_SERVERS: `ws://127.0.0.1:${ports.server}/mesh`,
    RINGRIFT_HEALTH_CHECK_INTERVAL: "10",
    ...env,
  });
  await seriesOf(ports.agent);
  return agent;
}

/** A stand-in for nvidia-smi, so that the agent has about as many series as node_exporter. */
function eightGpus(): Record<string, string> {
  const fixtures = fileURLToPath(new URL("../../packages/probes/fixtures/", import.meta.url));
  return {
    RINGRIFT_NVIDIA_SMI: join(fixtures, "nvidia-smi-replayer.mjs"),
    NVIDIA_SMI_REPLAY_FILE: join(fixtures, "xml/a100-sxm4-v12.xml"),
    NVIDIA_SMI_REPLAY_GPUS: "8",
  };
}

async function seriesOf(port: number): Promise<number> {
  return waitFor(`/metrics on port ${port}`, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    const text = await answer.text();
    return answer.ok ? text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length : null;
  });
}

interface IdleCost {
  readonly cpu: readonly number[];
  readonly rss: readonly number[];
  readonly peerCpu: number | null;
  readonly peerRss: number | null;
}

/** Both programs idle side by side, each asked every five seconds. */
async function idleCost(agent: Program, exporter: Program | null): Promise<IdleCost> {
  console.error(`  ${runsPerFigure} windows of an idle agent, 10 s each`);
  await sleep(settleMs);
  const cpu: number[] = [];
  const rss: number[] = [];
  const peerCpu: number[] = [];
  const peerRss: number[] = [];
  for (let window = 0; window < runsPerFigure; window += 1) {
    const started = performance.now();
    const before = { own: processCost(agent.pid), peer: exporter && processCost(exporter.pid) };
    for (let scrapes = 0; scrapes < scrapesPerWindow; scrapes += 1) {
      await seriesOf(ports.agent);
      if (exporter !== null) await seriesOf(ports.exporter);
      await sleep(started + (scrapes + 1) * scrapeEveryMs - performance.now());
    }
    const minutes = (performance.now() - started) / 60_000;
    const own = processCost(agent.pid);
    cpu.push((own.cpuSeconds - before.own.cpuSeconds) / minutes);
    rss.push(own.rssMebibytes);
    if (exporter === null || before.peer === null) continue;
    const peer = processCost(exporter.pid);
    peerCpu.push((peer.cpuSeconds - before.peer.cpuSeconds) / minutes);
    peerRss.push(peer.rssMebibytes);
  }
  const has = peerCpu.length > 0;
  return {
    cpu,
    rss,
    peerCpu: has ? median(peerCpu) : null,
    peerRss: has ? Math.max(...peerRss) : null,
  };
}

interface Throughput {
  readonly runs: readonly number[];
  readonly peer: number | null;
  readonly series: number;
}

async function throughput(exporter: Program | null): Promise<Throughput> {
  console.error(`  ${clients} clients that ask for /metrics without a pause`);
  await scrape(ports.agent, clients, loadWindowMs);
  const runs: number[] = [];
  for (let window = 0; window < runsPerFigure; window += 1)
    runs.push((await scrape(ports.agent, clients, loadWindowMs)).requestsPerSecond);
  const peer = exporter === null ? null : await scrape(ports.exporter, clients, loadWindowMs);
  return { runs, peer: peer?.requestsPerSecond ?? null, series: await seriesOf(ports.agent) };
}
