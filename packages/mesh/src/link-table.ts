import type { PeerIdentity } from "@ringrift/protocol";
import type { RefusalReason } from "./auth.ts";
import type { Link, LinkEnd } from "./link.ts";

/** How the cores name a peer: a server by its voter id, which outlives its node id, an agent by its node id. */
export function peerKey(peer: Pick<PeerIdentity, "voter" | "nodeId">): string {
  return peer.voter ?? peer.nodeId;
}

/** The open links by peer. Two servers may have two, one dialled by each; an agent has one. */
export class LinkTable {
  readonly #links = new Map<string, Set<Link>>();
  /** The same links by role: thousands of agents must not be walked to find three servers. */
  readonly #byRole = { server: new Map<string, Set<Link>>(), agent: new Map<string, Set<Link>>() };
  readonly #keyOfNode = new Map<string, string>();

  /** Whether a link of this peer may be opened beside those that are; `quietTicks` is when a silent link no longer counts. */
  problemWith(peer: PeerIdentity, quietTicks: number): RefusalReason | null {
    const key = peerKey(peer);
    const sameNode = this.#keyOfNode.get(peer.nodeId);
    if (sameNode !== undefined && sameNode !== key) return "duplicate_node";
    for (const link of this.of(key)) {
      const other = link.peer.instance !== peer.instance;
      if (other && link.quietTicks < quietTicks) return "duplicate_node";
    }
    return null;
  }

  /** Adds a link; links of the same direction, or of a process that this one replaces, end. */
  add(link: Link): void {
    const key = peerKey(link.peer);
    for (const old of this.of(key)) {
      if (old.direction === link.direction || old.peer.instance !== link.peer.instance) old.end("replaced");
    }
    const links = this.#links.get(key) ?? new Set();
    links.add(link);
    this.#links.set(key, links);
    this.#byRole[link.peer.role].set(key, links);
    this.#keyOfNode.set(link.peer.nodeId, key);
  }

  /** Removes an ended link. True when it was the peer's last. */
  remove(link: Link): boolean {
    const key = peerKey(link.peer);
    const links = this.#links.get(key);
    if (links === undefined || !links.delete(link)) return false;
    if (links.size > 0) return false;
    this.#links.delete(key);
    this.#byRole[link.peer.role].delete(key);
    this.#keyOfNode.delete(link.peer.nodeId);
    return true;
  }

  /** The links of one peer, as a copy that may be walked while links end. */
  of(key: string): Link[] {
    return [...(this.#links.get(key) ?? [])];
  }

  has(key: string): boolean {
    return this.#links.has(key);
  }

  all(): Link[] {
    return [...this.#links.values()].flatMap((links) => [...links]);
  }

  /** One link per peer of a role. */
  *peers(role: PeerIdentity["role"]): Generator<Link> {
    for (const links of this.#byRole[role].values()) {
      const [link] = links;
      if (link !== undefined) yield link;
    }
  }

  /** One beat of every link; those that have been silent up to the limit end. */
  tick(limitTicks: number): void {
    for (const link of this.all()) {
      link.tick();
      if (link.quietTicks > limitTicks) link.end("silent_peer" satisfies LinkEnd);
    }
  }
}
