import { isIP } from "node:net";
import { MeshError } from "./mesh-error.ts";

/** One server: how it is named in votes and where it is dialled. */
export interface ServerAddress {
  /** `host:port`, or the id that the entry gives. */
  readonly voter: string;
  readonly url: string;
}

const maxServers = 7;
const defaultPorts: Readonly<Record<string, string>> = { "ws:": "80", "wss:": "443" };
const accepted = "Accepted: a comma list of ws://host:port/mesh or wss://…, each optionally as id=url.";

/**
 * The servers named in a comma list such as `ws://10.0.0.1:8790/mesh,b=wss://b.example:8790/mesh`.
 *
 * @throws MeshError `BAD_SERVERS` on an entry that is no WebSocket URL, a repeated voter, none at all or more than seven.
 */
export function parseServers(text: string): ServerAddress[] {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) throw bad("The list of servers is empty.");
  if (entries.length > maxServers)
    throw bad(`The list names ${entries.length} servers; at most ${maxServers} vote.`);
  const servers = entries.map(parseEntry);
  const seen = new Set<string>();
  for (const { voter } of servers) {
    if (seen.has(voter)) throw bad(`The list of servers names ${voter} twice.`);
    seen.add(voter);
  }
  return servers;
}

function parseEntry(entry: string): ServerAddress {
  const match = /^(?:([A-Za-z0-9][A-Za-z0-9._-]{0,99})=)?(.+)$/.exec(entry);
  const text = match?.[2] ?? "";
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw bad(`"${entry}" in the list of servers is not a URL.`, cause);
  }
  const defaultPort = defaultPorts[url.protocol];
  const port = url.port === "" ? defaultPort : url.port;
  if (port === undefined || defaultPort === undefined)
    throw bad(`"${entry}" in the list of servers is not a WebSocket URL.`);
  if (url.hash !== "" || url.username !== "") throw bad(`"${entry}" has a fragment or a user name.`);
  return { voter: match?.[1] ?? `${url.hostname}:${port}`, url: url.href };
}

/** How a server knows itself among the voters. */
export interface SelfFacts {
  /** The address listened on; `0.0.0.0` and `::` stand for every address of this machine. */
  readonly host: string;
  readonly port: number;
  readonly nodeId: string;
  /** Addresses of this machine's network interfaces. */
  readonly localAddresses: readonly string[];
}

/**
 * The voter id of this server: the entry whose id is its node id, else the one entry with its port and an address of its own.
 *
 * @throws MeshError `SELF_NOT_IN_SERVERS` when none or several match.
 */
export function findSelf(servers: readonly ServerAddress[], facts: SelfFacts): string {
  const byId = servers.find((server) => server.voter === facts.nodeId);
  if (byId !== undefined) return byId.voter;
  const matches = servers.filter((server) => isOwn(new URL(server.url), facts));
  const [only, second] = matches;
  const names = servers.map((server) => server.voter).join(", ");
  if (only === undefined)
    throw new MeshError(
      `This server (${facts.host}:${facts.port}, node ${facts.nodeId}) is not in the list of servers: ${names}.`,
      {
        code: "SELF_NOT_IN_SERVERS",
        nextStep: `Add it to the list, or name its entry: ${facts.nodeId}=ws://host:port/mesh.`,
      },
    );
  if (second !== undefined)
    throw new MeshError(
      `Several entries of the list of servers may be this server: ${matches.map((server) => server.voter).join(", ")}.`,
      { code: "SELF_NOT_IN_SERVERS", nextStep: `Name its entry: ${facts.nodeId}=ws://host:port/mesh.` },
    );
  return only.voter;
}

function isOwn(url: URL, facts: SelfFacts): boolean {
  const port = url.port === "" ? defaultPorts[url.protocol] : url.port;
  if (port !== String(facts.port)) return false;
  const host = bare(url.hostname);
  const listen = bare(facts.host);
  if (host === listen) return true;
  const everywhere = listen === "0.0.0.0" || listen === "::";
  if (isLoopbackName(host)) return everywhere || isLoopbackName(listen);
  if (!everywhere) return false;
  // A name is only ours when it is the node id, since nothing is resolved here.
  return isIP(host) === 0 ? host === facts.nodeId : facts.localAddresses.includes(host);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

function isLoopbackName(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

/** True for an address that cannot leave this machine. */
export function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/i, "");
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

function bad(message: string, cause?: unknown): MeshError {
  return new MeshError(message, {
    code: "BAD_SERVERS",
    nextStep: accepted,
    ...(cause === undefined ? {} : { cause }),
  });
}
