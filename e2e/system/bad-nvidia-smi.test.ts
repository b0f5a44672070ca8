import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CheckReport } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../src/cluster.ts";
import { killLeftovers, type Program, startProgram, waitFor } from "../src/program.ts";

const replayer = fileURLToPath(
  new URL("../../packages/probes/fixtures/nvidia-smi-replayer.mjs", import.meta.url),
);
const folder = mkdtempSync(join(tmpdir(), "ringrift-smi-"));
/** Far above what an agent needs, far below what the flood would fill. */
const maxResidentKilobytes = 300_000;

interface Agent {
  readonly program: Program;
  readonly url: string;
}
const agents = new Map<string, Agent>();

async function start(mode: string): Promise<void> {
  const port = await freePort();
  const data = join(folder, mode.replace(":", "-"));
  mkdirSync(data);
  writeFileSync(join(data, "kernel.log"), "");
  const program = startProgram("node-agent", [], {
    RINGRIFT_NODE_ID: "gpu-host",
    RINGRIFT_AGENT_PORT: String(port),
    RINGRIFT_DATA_DIR: data,
    RINGRIFT_SERVERS: `ws://127.0.0.1:${await freePort()}/mesh`,
    RINGRIFT_KMSG: join(data, "kernel.log"),
    RINGRIFT_EXPECTED_GPUS: "8",
    RINGRIFT_NVIDIA_SMI: replayer,
    RINGRIFT_HEALTH_CHECK_TIMEOUT: "2",
    RINGRIFT_HEALTH_CHECK_INTERVAL: "3",
    NVIDIA_SMI_REPLAY_MODE: mode,
  });
  agents.set(mode, { program, url: `http://127.0.0.1:${port}` });
}

beforeAll(async () => {
  for (const mode of Object.keys(expected)) await start(mode);
}, 60_000);
afterAll(async () => {
  await killLeftovers();
  rmSync(folder, { recursive: true, force: true });
});

const expected: Readonly<Record<string, RegExp>> = {
  hang: /no answer|hangs in the driver|earlier run/,
  garbage: /no XML|malformed/,
  half: /cut off/,
  flood: /more than 4194304 bytes/,
  "exit:9": /exit code 9/,
  "exit:15": /exit code 15|lost/,
};

async function gpuCheck(url: string): Promise<CheckReport | null> {
  const answer = await fetch(`${url}/v1/nodes/gpu-host`, { signal: AbortSignal.timeout(2000) });
  if (!answer.ok) return null;
  const { node } = (await answer.json()) as { node: { checks: readonly CheckReport[] } };
  return node.checks.find(({ check }) => check === "gpu") ?? null;
}

describe("an agent whose nvidia-smi misbehaves", { timeout: 120_000 }, () => {
  it.each(Object.entries(expected))(
    "by %s says why it knows nothing, invents no value and keeps answering",
    async (mode, reason) => {
      const agent = agents.get(mode);
      if (agent === undefined) throw new Error("not started");
      let seen = "";
      const report = await waitFor(
        `the GPU check with ${mode}`,
        async () => {
          const check = await gpuCheck(agent.url);
          seen = JSON.stringify(check)?.slice(0, 500) ?? "";
          return check !== null && reason.test(check.reason) ? check : null;
        },
        60_000,
        () => seen,
      );
      expect(["unknown", "unhealthy"]).toContain(report.state);
      expect(report.readings.filter(({ value }) => value !== null)).toEqual([]);
      const health = await fetch(`${agent.url}/health`, { signal: AbortSignal.timeout(5000) });
      expect(health.status).toBe(200);
      const status = readFileSync(`/proc/${agent.program.pid}/status`, "utf8");
      expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(maxResidentKilobytes);
    },
  );

  it("has never more than one of it", async () => {
    const agent = agents.get("hang");
    if (agent === undefined) throw new Error("not started");
    const children = readFileSync(
      `/proc/${agent.program.pid}/task/${agent.program.pid}/children`,
      "utf8",
    ).trim();
    expect(children.split(" ").filter(Boolean).length).toBeLessThanOrEqual(1);
  });
});
