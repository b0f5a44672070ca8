import type { PeerIdentity } from "@ringrift/protocol";
import type { RefusalReason } from "./auth.ts";
import type { Link, LinkEnd } from "./link.ts";

/** How the cores name a peer: a server by its voter id, which outlives its node id, an agent by its node id. */
export function peerKey(peer: Pick<PeerIdentity, "voter" | "nodeId">): string {
  return peer.voter ?? peer.nodeId;
}

/** The open links by peer. Two servers have two, one dialled by each, so that they lose nothing with one; an agent has one. */
export class LinkTable {
  readonly #missedTicks: number;
  readonly #links = new Map<string, Set<Link>>();
  /** The same links by role: thousands of agents must not be walked to find three servers. */
  readonly #byRole = { server: new Map<string, Set<Link>>(), agent: new Map<string, Set<Link>>() };
  readonly #keyOfNode = new Map<string, string>();

  /** @param missedTicks silence from which a link no longer counts */
  constructor(missedTicks: number) {
    this.#missedTicks = missedTicks;
  }

  /** Whether a link of this peer may be opened beside those that are. */
  problemWith(peer: PeerIdentity): RefusalReason | null {
    const key = peerKey(peer);
    const sameNode = this.#keyOfNode.get(peer.nodeId);
    if (sameNode !== undefined && sameNode !== key) return "duplicate_node";
    for (const link of this.of(key)) {
      const other = link.peer.instance !== peer.instance;
      if (other && this.#isHeard(link)) return "duplicate_node";
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

  /** The links of one peer, those to be used first in front; a copy that may be walked while links end. */
  of(key: string): Link[] {
    return this.#inOrder(this.#links.get(key) ?? []);
  }

  /** Whether the peer was heard lately on one of its links. */
  reaches(key: string): boolean {
    return this.of(key).some((link) => this.#isHeard(link));
  }

  has(key: string): boolean {
    return this.#links.has(key);
  }

  all(): Link[] {
    return [...this.#links.values()].flatMap((links) => [...links]);
  }

  /** The links of each peer of a role, those to be used first in front. */
  *peers(role: PeerIdentity["role"]): Generator<readonly Link[]> {
    for (const links of this.#byRole[role].values()) yield this.#inOrder(links);
  }

  /** One beat of every link; those that have been silent up to the limit end. */
  tick(limitTicks: number): void {
    for (const link of this.all()) {
      link.tick();
      if (link.quietTicks > limitTicks) link.end("silent_peer" satisfies LinkEnd);
    }
  }

  /** The oldest comes first while it is heard: frames that take turns between two links overtake one another. */
  #inOrder(links: Iterable<Link>): Link[] {
    const all = [...links];
    const silence = (link: Link): number => (this.#isHeard(link) ? 0 : link.quietTicks);
    return all.length > 1 ? all.sort((a, b) => silence(a) - silence(b)) : all;
  }

  #isHeard({ quietTicks }: Link): boolean {
    return quietTicks < this.#missedTicks;
  }
}
