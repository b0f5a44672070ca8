import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, freePort, type Member, startCluster } from "../src/cluster.ts";
import { startCommand, waitFor } from "../src/program.ts";

let cluster: Cluster;
let members: readonly Member[];
const folder = mkdtempSync(join(tmpdir(), "ringrift-prometheus-"));

beforeAll(async () => {
  // With a daemon, so that its figures are among those that are judged.
  const daemonsFile = join(folder, "daemons.yaml");
  writeFileSync(daemonsFile, 'daemons:\n  - { name: sleeper, command: [sleep, "1000"] }\n');
  cluster = await startCluster({
    servers: 1,
    agents: 1,
    agentEnv: { RINGRIFT_DAEMONS_FILE: daemonsFile },
  });
  members = [...cluster.servers, ...cluster.agents];
  for (const { id, url } of members) {
    await waitFor(`${id} to be ready`, async () =>
      (await fetch(`${url}/ready`)).status === 200 ? true : null,
    );
  }
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function promtool(text: string): Promise<{ code: unknown; said: string }> {
  const child = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  child.stdin.end(text);
  const [code] = await once(child, "close");
  return { code, said };
}

describe("the metrics of server and agent", { timeout: 120_000 }, () => {
  it("pass promtool without a complaint", async () => {
    for (const { id, url } of members) {
      const answer = await fetch(`${url}/metrics`, { headers: { accept: "text/plain; version=0.0.4" } });
      expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
      const text = await answer.text();
      expect(text).toContain('ringrift_daemon_ready{daemon="sleeper"');
      expect({ id, ...(await promtool(text)) }).toEqual({ id, code: 0, said: "" });
    }
  });

  // promtool reads the classic format only, so OpenMetrics is judged by Prometheus itself: it asks for it by default.
  it("are scraped by a real Prometheus as OpenMetrics", async () => {
    for (const { url } of members) {
      const accept = "application/openmetrics-text; version=1.0.0; charset=utf-8";
      const answer = await fetch(`${url}/metrics`, { headers: { accept } });
      expect(answer.headers.get("content-type")).toMatch(/^application\/openmetrics-text/);
      expect(await answer.text()).toMatch(/# EOF\n$/);
    }
    const targets = members.map(({ url }) => `"${new URL(url).host}"`).join(", ");
    await scrapedBy(`static_configs: [{targets: [${targets}]}]`, members.length, 30_000);
  });

  it("are found by a real Prometheus, which keeps the agents that it knows while a new server does not yet", async () => {
    const [server] = cluster.servers;
    const discovery = `http_sd_configs: [{url: "${server?.url}/v1/http_sd", refresh_interval: 1s}]`;
    const keep = "relabel_configs: [{source_labels: [__meta_ringrift_node], target_label: instance}]";
    await scrapedBy(`${discovery}, ${keep}`, cluster.agents.length, 90_000, async (targets) => {
      expect((await targets())[0]).toMatchObject({ labels: { instance: "agent-1" } });
      await server?.program.kill("SIGKILL");
      server?.start();
      await waitFor("the server to refuse a list", async () =>
        (await fetch(`${server?.url}/v1/http_sd`)).status === 503 ? true : null,
      );
      // Long enough for Prometheus to have asked.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(await targets()).toHaveLength(1);
    });
  });
});

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Waits until a real Prometheus with these targets has scraped so many, and then lets `further` look at them. */
async function scrapedBy(
  source: string,
  count: number,
  limitMs: number,
  further: (targets: () => Promise<readonly Target[]>) => Promise<void> = async () => undefined,
): Promise<void> {
  const port = await freePort();
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: ringrift, ${source}}]\n`,
  );
  const prometheus = startCommand(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, `tsdb-${port}`)}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    {},
  );
  const targets = async (): Promise<readonly Target[]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`);
    return ((await answer.json()) as { data: { activeTargets: readonly Target[] } }).data.activeTargets;
  };
  let seen = "";
  await waitFor(
    "Prometheus to scrape every program",
    async () => {
      const active = await targets();
      seen = JSON.stringify(active.map(({ health, lastError }) => [health, lastError]));
      return active.filter(({ health }) => health === "up").length === count ? true : null;
    },
    limitMs,
    () => `${seen}\n${prometheus.output().slice(-4000)}`,
  );
  await further(targets);
  expect(await prometheus.kill("SIGTERM")).toBe(0);
}
