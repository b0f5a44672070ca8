import { hostname, userInfo } from "node:os";
import type { NodeAgentConfig } from "@ringrift/config";
import { type ClientTls, HttpClient, loadClientTls } from "@ringrift/http-client";
import { parseServers, type ServerAddress } from "@ringrift/mesh";
import type { ServerClock } from "@ringrift/protocol";
import { checkPort } from "./agent-port.ts";
import { readSettings } from "./agent-settings.ts";
import { checkCredentials } from "./credentials.ts";
import { checkDataDir, checkFiles } from "./files.ts";
import { type Finding, finding } from "./finding.ts";
import { createHostProbes } from "./host-probes.ts";
import { type Asker, tryDoor } from "./server-door.ts";
import { type KnownMember, ServerPages } from "./server-http.ts";

export interface DoctorQuestion {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this program. */
  readonly version: string;
  /** Longest wait for one answer of the network. */
  readonly timeoutMs: number;
}

/** What an agent would find on this host. */
export interface Diagnosis {
  readonly host: string;
  /** Whose rights were tried. */
  readonly user: string;
  readonly findings: readonly Finding[];
}

/** Looks at all that an agent needs here, without starting one and without a place in the mesh. */
export async function examineHost(question: DoctorQuestion): Promise<Diagnosis> {
  const { config, findings: settings } = readSettings(question);
  const servers = parseServers(config.servers.join(","));
  const { trust, finding: credentials } = checkCredentials(config, servers, Date.now() / 1000);
  const http = new HttpClient(clientTls(config));
  const probes = createHostProbes(config);
  try {
    const { timeoutMs, version } = question;
    const agent =
      trust === null
        ? null
        : {
            clusterId: config.clusterId,
            nodeId: config.nodeId,
            version,
            heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
            trust,
          };
    const [nvidiaSmi, kernelLog, port, doors] = await Promise.all([
      probes.nvidiaSmi(),
      probes.kernelLog(),
      checkPort(config, http, timeoutMs),
      Promise.all(servers.map((server) => lookAt(server, { agent, timeoutMs }, http, config.nodeId))),
    ]);
    const clocks = doors.flatMap(({ clock }) => clock ?? []);
    const clock = await probes.clock(clocks);
    const namesakes = doors.flatMap(({ namesake }) => namesake ?? []);
    return {
      host: hostname(),
      user: userName(),
      findings: [
        ...settings,
        credentials,
        ...checkFiles(config),
        checkDataDir(config.dataDir),
        port.finding,
        nvidiaSmi,
        kernelLog,
        ...doors.map(({ door }) => door),
        ...nodeName(config.nodeId, namesakes, port.agentId),
        clocks.length > 0 ? clock : { ...clock, text: `${clock.text}; not compared with a server's` },
      ],
    };
  } finally {
    probes.close();
    http.close();
  }
}

/** In a container a user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** What one server said of itself and of this host. */
interface ServerWord {
  readonly door: Finding;
  readonly clock: ServerClock | null;
  /** Who has this agent's name. */
  readonly namesake: KnownMember | null;
}

async function lookAt(
  server: ServerAddress,
  asker: Asker,
  http: HttpClient,
  nodeId: string,
): Promise<ServerWord> {
  const pages = new ServerPages(server, http, asker.timeoutMs);
  const { finding: door, serverId } = await tryDoor(server, asker, pages);
  if (serverId === null) return { door, clock: null, namesake: null };
  return { door, clock: await pages.clock(serverId), namesake: await pages.memberOf(nodeId) };
}

/** A name that another host has already would be fought for. */
function nodeName(nodeId: string, namesakes: readonly KnownMember[], agentId: string | null): Finding[] {
  if (namesakes.length === 0) return [];
  const check = "node id";
  if (namesakes.some(({ state }) => state === "retired"))
    return [
      finding(
        check,
        "warning",
        `${nodeId} is retired: the cluster counts it for nothing`,
        `If the host is back: ringrift unretire ${nodeId}`,
      ),
    ];
  if (!namesakes.some(({ link }) => link === "alive"))
    return [finding(check, "ok", `${nodeId} is known to the cluster, and no agent of that name runs now`)];
  if (agentId === nodeId) return [finding(check, "ok", `${nodeId} is the agent of this host`)];
  return [
    finding(
      check,
      "warning",
      `the cluster has an agent ${nodeId} that is alive, and it is not the one at this host's port`,
      "If it is another host's, give this one a name of its own with RINGRIFT_NODE_ID.",
    ),
  ];
}

/** What is wrong with the files has been told as what is wrong with the credentials. */
function clientTls({ meshTls }: NodeAgentConfig): ClientTls | undefined {
  if (meshTls === null) return undefined;
  try {
    return loadClientTls(meshTls);
  } catch {
    return undefined;
  }
}
