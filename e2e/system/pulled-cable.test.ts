import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StatusDocument } from "@ringrift/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Observed, Observers } from "../src/observers.ts";
import { killLeftovers, waitFor } from "../src/program.ts";
import { Network } from "./network.ts";

interface Host extends Observed {
  readonly host: number;
}

const directory = mkdtempSync(join(tmpdir(), "ringrift-cables-"));
let network: Network;
let servers: readonly Host[];
let agent: Host;
let observers: Observers;

const main = (app: string): string =>
  fileURLToPath(new URL(`../../apps/${app}/dist/main.js`, import.meta.url));

beforeAll(async () => {
  network = new Network(4);
  const keyFile = join(directory, "mesh.keys");
  writeFileSync(keyFile, `k1:${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  const hosts = [1, 2, 3];
  const start = (app: string, id: string, host: number, env: Readonly<Record<string, string>>): Host => ({
    id,
    host,
    program: network.start(host, process.execPath, [main(app)], {
      RINGRIFT_NODE_ID: id,
      RINGRIFT_SERVERS: hosts.map((each) => `ws://${network.address(each)}:8790/mesh`).join(","),
      RINGRIFT_MESH_KEY_FILE: keyFile,
      RINGRIFT_DATA_DIR: join(directory, id),
      ...env,
    }),
  });
  servers = hosts.map((host) =>
    start("health-server", `server-${host}`, host, { RINGRIFT_HEALTH_SERVER_HOST: network.address(host) }),
  );
  agent = start("node-agent", "agent-1", 4, { RINGRIFT_LOG_LEVEL: "debug" });
  observers = new Observers([...servers, agent]);
  await observers.everyoneAlive();
}, 60_000);
afterAll(async () => {
  await killLeftovers();
  network.remove();
  rmSync(directory, { recursive: true });
});

async function status({ host }: Host, port: number): Promise<StatusDocument> {
  const url = `http://${port === 8790 ? network.address(host) : "127.0.0.1"}:${port}/status`;
  const curl = network.start(host, "curl", ["-s", "-m", "2", url], {});
  expect(await curl.exited).toBe(0);
  return JSON.parse(curl.output()) as StatusDocument;
}

async function settled(): Promise<Host> {
  await observers.everyoneAlive();
  const leader = await waitFor("one leader that all name", async () => {
    const id = observers.unanimous();
    return servers.find((server) => server.id === id) ?? null;
  });
  observers.takeDowns();
  return leader;
}

// The steps build on one another.
describe("three servers and an agent on hosts of their own", { timeout: 90_000 }, () => {
  it("choose another leader when the leader's cable is pulled; it steps down alone and follows when it is plugged in", async () => {
    const lonely = await settled();
    network.cable(lonely.host, false);
    const next = await waitFor("a majority to name another", async () => {
      const id = observers.leader();
      return id !== null && id !== lonely.id ? id : null;
    });
    await waitFor("the lonely one to name nobody", async () =>
      observers.leaderOf(lonely) === null ? true : null,
    );
    await waitFor("the lonely one to reach no majority", async () => {
      const { leaderId, quorum } = (await status(lonely, 8790)).cluster;
      return leaderId === null && !quorum.held && quorum.have === 1 ? true : null;
    });
    network.cable(lonely.host, true);
    expect((await settled()).id).toBe(next);
    expect(observers.termsWithTwoLeaders()).toEqual([]);
  });

  it("list an agent whose cable is pulled as down, and as alive when it is plugged in", async () => {
    const leader = await settled();
    network.cable(agent.host, false);
    await waitFor("every server to list it as down", async () => {
      const states = await Promise.all(servers.map((server) => status(server, 8790)));
      return states.every(({ nodes }) => nodes.find(({ id }) => id === agent.id)?.link === "down")
        ? true
        : null;
    });
    // Alone, it must not believe what it heard last.
    await waitFor("the agent to name no leader", async () => {
      const { cluster } = await status(agent, 8791);
      return cluster.leaderId === null && !cluster.quorum.held ? true : null;
    });
    network.cable(agent.host, true);
    expect((await settled()).id).toBe(leader.id);
    expect(observers.termsWithTwoLeaders()).toEqual([]);
  });
});
