import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HealthEvent, StatusDocument } from "@ringrift/protocol";
import { FaultProxy } from "./fault-proxy.ts";
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
  readonly dataDir: string;
  program: Program;
  /** Starts it again, with these variables changed from now on; undefined takes one away. */
  start(changes?: Readonly<Record<string, string | undefined>>): void;
  status(): Promise<StatusDocument>;
  events(): Promise<readonly HealthEvent[]>;
}

/** Real servers and agents on free loopback ports, each with its own data directory. */
export interface Cluster {
  readonly servers: readonly Member[];
  readonly agents: readonly Member[];
  /** The way on which `from` dials `to`; only in a cluster that was started with `proxied`. */
  path(from: Member, to: Member): FaultProxy;
  stop(): Promise<void>;
}

export interface ClusterPlan {
  readonly servers: number;
  readonly agents: number;
  /** Variables of every server beside those that make it one of this cluster. */
  readonly serverEnv?: Readonly<Record<string, string>>;
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** Variables of one node of its own. */
  readonly ownEnv?: (id: string) => Readonly<Record<string, string>>;
  /** Lets every node dial every server through a proxy of its own, which can break that path. */
  readonly proxied?: boolean;
}

export async function startCluster(plan: ClusterPlan): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-e2e-"));
  const proxies = new Map<string, FaultProxy>();
  const emptyLog = join(directory, "kernel.log");
  writeFileSync(emptyLog, "");
  const serverPorts: number[] = [];
  for (let index = 0; index < plan.servers; index += 1) serverPorts.push(await freePort());
  const serverId = (index: number): string => `server-${index + 1}`;

  const addresses = async (id: string): Promise<string> => {
    const entries: string[] = [];
    for (const [index, port] of serverPorts.entries()) {
      const to = serverId(index);
      if (plan.proxied !== true) entries.push(`ws://127.0.0.1:${port}/mesh`);
      else if (to === id) entries.push(`${to}=ws://127.0.0.1:${port}/mesh`);
      else {
        const proxy = new FaultProxy(port);
        await proxy.listen();
        proxies.set(`${id} ${to}`, proxy);
        entries.push(`${to}=ws://127.0.0.1:${proxy.port}/mesh`);
      }
    }
    return entries.join(",");
  };
  const environment = async (id: string): Promise<Record<string, string>> => ({
    RINGRIFT_NODE_ID: id,
    RINGRIFT_SERVERS: await addresses(id),
    RINGRIFT_DATA_DIR: join(directory, id),
    RINGRIFT_LOG_LEVEL: "info",
    ...plan.ownEnv?.(id),
  });
  const servers: Member[] = [];
  for (const [index, port] of serverPorts.entries()) {
    const env = { ...(await environment(serverId(index))), RINGRIFT_HEALTH_SERVER_PORT: String(port) };
    servers.push(member("health-server", serverId(index), port, { ...env, ...plan.serverEnv }));
  }
  const agents: Member[] = [];
  for (let index = 1; index <= plan.agents; index += 1) {
    const port = await freePort();
    const env = { ...(await environment(`agent-${index}`)), RINGRIFT_AGENT_PORT: String(port) };
    // An empty log: what happened on the machine that runs the tests is not their subject.
    const own = { ...env, RINGRIFT_KMSG: emptyLog, ...plan.agentEnv };
    agents.push(member("node-agent", `agent-${index}`, port, own));
  }
  return {
    servers,
    agents,
    path: (from, to) => {
      const proxy = proxies.get(`${from.id} ${to.id}`);
      if (proxy === undefined) throw new Error(`there is no proxy from ${from.id} to ${to.id}`);
      return proxy;
    },
    stop: async () => {
      await killLeftovers();
      for (const proxy of proxies.values()) await proxy.close();
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
    dataDir: env.RINGRIFT_DATA_DIR ?? "",
    program: startProgram(app, [], env),
    start: (changes = {}) => {
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) delete env[name];
        else env[name] = value;
      }
      self.program = startProgram(app, [], env);
    },
    status: async () => (await json("/status")) as StatusDocument,
    events: async () => ((await json("/v1/events")) as { events: readonly HealthEvent[] }).events,
  };
  return self;
}
