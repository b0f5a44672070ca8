// core: pure
import type { ServerAddress } from "./servers.ts";

/** Servers that an agent keeps links to; all of them where there are no more. */
const wantedLinks = 3;
/** A server without a link for this long is given up on: the next in rank is dialled as well. */
const failingAfterMs = 10_000;

/** The servers in the order in which one node prefers them: by rendezvous hashing, so that nodes spread evenly. */
export function rankServers(servers: readonly ServerAddress[], nodeId: string): ServerAddress[] {
  const weight = ({ voter }: ServerAddress): number => hash(`${nodeId} ${voter}`);
  return servers.toSorted((a, b) => weight(b) - weight(a) || a.voter.localeCompare(b.voter, "en"));
}

/**
 * The first of `ranked` to dial: so many that three of them are not failing.
 *
 * @param linklessMs for how long there has been no link to a server, 0 while there is one
 */
export function serversToDial(
  ranked: readonly ServerAddress[],
  linklessMs: (server: ServerAddress) => number,
): ServerAddress[] {
  let hopeful = 0;
  return ranked.filter((server) => {
    const wanted = hopeful < wantedLinks;
    if (wanted && linklessMs(server) < failingAfterMs) hopeful += 1;
    return wanted;
  });
}

// FNV-1a over UTF-16 units, then the finalizer of MurmurHash3, since FNV alone leaves near names near.
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
