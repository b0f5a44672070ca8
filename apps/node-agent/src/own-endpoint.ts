import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isLoopbackAddress, type ServerAddress } from "@ringrift/mesh";
import type { NodeEndpoint } from "@ringrift/protocol";

/** Networks come up later than programs, and addresses change. */
const lookAgainMs = 60_000;

export interface OwnEndpointOptions {
  /** Where the agent listens. */
  readonly host: string;
  readonly port: number;
  readonly servers: readonly Pick<ServerAddress, "url">[];
}

/** Tells where this agent's pages are asked for, once it is known and whenever it has changed. */
export function watchOwnEndpoint(
  options: OwnEndpointOptions,
  onChange: (endpoint: NodeEndpoint) => void,
): { stop(): void } {
  let last: string | null = null;
  const look = async (): Promise<void> => {
    const endpoint = await ownEndpoint(options);
    if (endpoint === null || endpoint.host === last) return;
    last = endpoint.host;
    onChange(endpoint);
  };
  const timer = setInterval(() => void look(), lookAgainMs).unref();
  void look();
  return { stop: () => clearInterval(timer) };
}

/**
 * The address that the agent listens on or, where it listens on all of them, the one by which this host reaches a server.
 * Null while there is none, and when it listens on loopback and no server is on this host: nobody else could ask it.
 */
export async function ownEndpoint({ host, port, servers }: OwnEndpointOptions): Promise<NodeEndpoint | null> {
  const bound = (await lookup(host).catch(() => null))?.address ?? host;
  const isEverywhere = bound === "0.0.0.0" || bound === "::";
  if (!isEverywhere && !isLoopbackAddress(bound)) return { host: bound, port };
  for (const { url } of servers) {
    const towards = await addressTowards(new URL(url), bound === "0.0.0.0" ? 4 : 0);
    if (towards === null) continue;
    if (isEverywhere) return { host: towards, port };
    if (isLoopbackAddress(towards)) return { host: bound, port };
  }
  return null;
}

/** By which of its addresses this host reaches another; null when it does not know a way. Connecting a datagram socket sends nothing. */
async function addressTowards(url: URL, family: 0 | 4): Promise<string | null> {
  try {
    const there = await lookup(url.hostname.replace(/^\[|\]$/g, ""), { family });
    const socket = createSocket(there.family === 6 ? "udp6" : "udp4");
    try {
      socket.connect(Number(url.port) || 80, there.address);
      await once(socket, "connect");
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch {
    return null;
  }
}
