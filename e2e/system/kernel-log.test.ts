import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HealthEvent } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, freePort, type Member, startCluster } from "../src/cluster.ts";
import { startCommand, waitFor } from "../src/program.ts";

const kmsg = "/dev/kmsg";
let cluster: Cluster;
let server: Member;
let agent: Member;
/** A bus that no other run of this test has used, since the log of a boot keeps what was written. */
const bus = (Date.now() % 256).toString(16).padStart(2, "0");
const domain = (0x1000 + (Math.floor(Date.now() / 256) % 0xefff)).toString(16);
const gpu = `${domain}:${bus}:00.0`;

function write(text: string): void {
  writeFileSync(kmsg, `<3>${text}\n`);
}
const xid = (code: number, text: string) =>
  write(`NVRM: Xid (PCI:${domain}:${bus}:00): ${code}, pid=1234, name=python, ${text}`);

beforeAll(async () => {
  cluster = await startCluster({ servers: 1, agents: 1, agentEnv: { RINGRIFT_KMSG: kmsg } });
  const [first] = cluster.servers;
  const [only] = cluster.agents;
  if (first === undefined || only === undefined) throw new Error("a server and an agent were asked for");
  server = first;
  agent = only;
  await ready();
}, 60_000);
afterAll(async () => {
  // Other agents of this machine read the same log.
  write(`ringrift: cleared ${gpu}`);
  await cluster?.stop();
});

async function ready(): Promise<void> {
  await waitFor("the agent to be ready", async () =>
    (await fetch(`${agent.url}/ready`)).status === 200 ? true : null,
  );
}
async function errorsOf(member: Member): Promise<readonly HealthEvent[]> {
  return (await member.events()).filter((event) => event.name === "GPU_ERROR" && event.data.gpu === gpu);
}
async function codesOf(member: Member): Promise<(number | undefined)[]> {
  return (await errorsOf(member)).map((event) => (event.name === "GPU_ERROR" ? event.data.xid : undefined));
}
async function codesToBe(member: Member, codes: readonly number[]): Promise<void> {
  await waitFor(`${member.id} to tell of ${codes.join(", ")}`, async () =>
    JSON.stringify(await codesOf(member)) === JSON.stringify(codes) ? true : null,
  );
}

describe("an error in the real kernel log", { timeout: 90_000 }, () => {
  it("is an event of server and agent, and in the status of both with what to do", async () => {
    xid(79, "GPU has fallen off the bus.");
    await codesToBe(server, [79]);
    await codesToBe(agent, [79]);
    const [event] = await errorsOf(server);
    expect(event?.data).toMatchObject({ nodeId: "agent-1", gpu, xid: 79, severity: "critical" });
    expect(event?.data).toMatchObject({ action: expect.stringContaining("reboot") });
    for (const member of [server, agent]) {
      const node = (await member.status()).nodes.find(({ id }) => id === "agent-1");
      expect(node?.reasons.join()).toContain("-> reboot the host");
      expect(node?.gpuErrors.at(-1)).toMatchObject({ gpu, xid: 79 });
    }
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toContain(`ringrift_gpu_xid_errors_total{gpu="${gpu}",node="agent-1",xid="79"} 1`);
  });

  it("is not told again after a restart of the agent, but for what was written while it was down", async () => {
    await agent.program.kill("SIGTERM");
    xid(119, "Timeout after 6s of waiting for RPC response from GPU4 GSP!");
    agent.start();
    await ready();
    await codesToBe(agent, [119]);
    await codesToBe(server, [79, 119]);
    xid(48, "DBE");
    await codesToBe(agent, [119, 48]);
    await codesToBe(server, [79, 119, 48]);
  });

  it("is not told again after the agent was killed", async () => {
    await agent.program.kill("SIGKILL");
    agent.start();
    await ready();
    xid(62, "PMU halt");
    await codesToBe(agent, [62]);
    await codesToBe(server, [79, 119, 48, 62]);
  });

  it("is over when an operator clears it", async () => {
    write(`ringrift: cleared ${gpu}`);
    await waitFor("the card to be clear", async () => {
      const node = (await agent.status()).nodes.find(({ id }) => id === "agent-1");
      return node?.reasons.join().includes(gpu) === false ? true : null;
    });
  });

  it("a flood of lines is counted to the last, told a bounded number of times, and the agent goes on answering", async () => {
    const before = (await codesOf(server)).length;
    for (let index = 0; index < 500; index += 1) xid(31, `flood ${index}`);
    await waitFor(
      "all lines to be counted",
      async () => {
        const metrics = await (await fetch(`${agent.url}/metrics`)).text();
        const found = new RegExp(`xid_errors_total\\{gpu="${gpu}",node="agent-1",xid="31"\\} (\\d+)`).exec(
          metrics,
        );
        const lost = /lost_lines_total\{node="agent-1"\} (\d+)/.exec(metrics);
        return Number(found?.[1]) + Number(lost?.[1]) >= 500 ? true : null;
      },
      60_000,
    );
    expect((await codesOf(server)).length).toBeLessThanOrEqual(before + 1);
    expect((await fetch(`${agent.url}/health`)).status).toBe(200);
  });
});

describe("an error in a real journal", { timeout: 90_000 }, () => {
  it("is an event too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringrift-journal-"));
    const port = await freePort();
    const main = fileURLToPath(new URL("../../apps/node-agent/dist/main.js", import.meta.url));
    // A journal of its own, in namespaces of its own, which end with the agent.
    const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && \
      { /lib/systemd/systemd-journald & } && exec "$0" "$1"`;
    const start = () =>
      startCommand(
        "unshare",
        ["-m", "-p", "-f", "--kill-child", "sh", "-c", script, process.execPath, main],
        {
          RINGRIFT_NODE_ID: "journal",
          RINGRIFT_AGENT_PORT: String(port),
          RINGRIFT_DATA_DIR: folder,
          RINGRIFT_SERVERS: `ws://127.0.0.1:${port}/mesh`,
          RINGRIFT_KMSG: "journald",
        },
      );
    const codes = async (): Promise<(number | undefined)[]> => {
      const { events } = (await (await fetch(`http://127.0.0.1:${port}/v1/events`)).json()) as {
        events: readonly HealthEvent[];
      };
      return events.flatMap((event) =>
        event.name === "GPU_ERROR" && event.data.gpu === gpu ? [event.data.xid] : [],
      );
    };
    const program = start();
    const live = () => fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.ok || null);
    await waitFor("the agent to answer", live, 30_000, program.output);
    xid(109, "CTX SWITCH TIMEOUT");
    await waitFor(
      "the error",
      async () => ((await codes()).includes(109) ? true : null),
      30_000,
      program.output,
    );
    await program.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
});
