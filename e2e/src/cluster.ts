import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HealthEvent, StatusDocument } from "@ringrift/protocol";
import { killLeftovers, type Program, startProgram } from "./program.ts";

/** A free loopback port; taken again by the program within moments. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port given");
  return address.port;
}

export interface Member {
  readonly id: string;
  readonly url: string;
  program: Program;
  /** Starts it again, with these variables changed from now on. */
  start(changes?: Readonly<Record<string, string>>): void;
  status(): Promise<StatusDocument>;
  events(): Promise<readonly HealthEvent[]>;
}

/** Real servers and agents on free loopback ports, each with its own data directory. */
export interface Cluster {
  readonly servers: readonly Member[];
  readonly agents: readonly Member[];
  stop(): Promise<void>;
}

export async function startCluster(size: {
  readonly servers: number;
  readonly agents: number;
  /** Variables of every server beside those that make it one of this cluster. */
  readonly serverEnv?: Readonly<Record<string, string>>;
  readonly agentEnv?: Readonly<Record<string, string>>;
}): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-e2e-"));
  const serverPorts: number[] = [];
  for (let index = 0; index < size.servers; index += 1) serverPorts.push(await freePort());
  const addresses = serverPorts.map((port) => `ws://127.0.0.1:${port}/mesh`).join(",");
  const environment = (id: string): Record<string, string> => ({
    RINGRIFT_NODE_ID: id,
    RINGRIFT_SERVERS: addresses,
    RINGRIFT_DATA_DIR: join(directory, id),
    RINGRIFT_LOG_LEVEL: "info",
  });
  const servers = serverPorts.map((port, index) =>
    member("health-server", `server-${index + 1}`, port, {
      ...environment(`server-${index + 1}`),
      RINGRIFT_HEALTH_SERVER_PORT: String(port),
      ...size.serverEnv,
    }),
  );
  const agents: Member[] = [];
  for (let index = 1; index <= size.agents; index += 1) {
    const port = await freePort();
    agents.push(
      member("node-agent", `agent-${index}`, port, {
        ...environment(`agent-${index}`),
        RINGRIFT_AGENT_PORT: String(port),
        ...size.agentEnv,
      }),
    );
  }
  return {
    servers,
    agents,
    stop: async () => {
      await killLeftovers();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function member(
  app: "health-server" | "node-agent",
  id: string,
  port: number,
  env: Record<string, string>,
): Member {
  const url = `http://127.0.0.1:${port}`;
  const json = async (path: string): Promise<unknown> =>
    (await fetch(`${url}${path}`, { signal: AbortSignal.timeout(2000) })).json();
  const self: Member = {
    id,
    url,
    program: startProgram(app, [], env),
    start: (changes = {}) => {
      Object.assign(env, changes);
      self.program = startProgram(app, [], env);
    },
    status: async () => (await json("/status")) as StatusDocument,
    events: async () => ((await json("/v1/events")) as { events: readonly HealthEvent[] }).events,
  };
  return self;
}
