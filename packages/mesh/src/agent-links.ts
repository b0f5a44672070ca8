import type { Frame } from "@ringrift/protocol";
import type { LocalPeer } from "./auth.ts";
import { agentBackOff } from "./back-off.ts";
import type { Counts } from "./counts.ts";
import { Dialer } from "./dialer.ts";
import type { HandshakeClock } from "./handshake.ts";
import type { Link, LinkEnd } from "./link.ts";
import type { MeshOptions } from "./mesh.ts";
import { isFault } from "./peer-fault.ts";
import type { Refusals } from "./refusals.ts";
import { rankServers, serversToDial } from "./server-choice.ts";
import type { ServerAddress } from "./servers.ts";

const shortestSilenceMs = 5_000;
const silentHeartbeats = 5;

export interface AgentLinksOptions {
  readonly mesh: MeshOptions;
  /** Milliseconds between two calls of `tick`. */
  readonly periodMs: number;
  readonly local: LocalPeer;
  readonly clock: HandshakeClock;
  readonly refusals: Refusals;
  readonly dropped: Counts;
  readonly onOpen: (voter: string, link: Link) => void;
  readonly onFrame: (voter: string, link: Link, frame: Frame) => void;
  readonly onLost: (voter: string) => void;
}

interface Dialled {
  readonly dialer: Dialer;
  /** Monotonic milliseconds; null while there is a link. */
  linklessSince: number | null;
}

/** An agent's links: it dials up to three servers it prefers, and further ones while those do not answer. */
export class AgentLinks {
  readonly #options: AgentLinksOptions;
  readonly #ranked: readonly ServerAddress[];
  readonly #dialled = new Map<string, Dialled>();
  readonly #links = new Map<string, Link>();
  readonly #silentTicks: number;
  #stopped = false;

  constructor(options: AgentLinksOptions) {
    this.#options = options;
    const { servers, nodeId, heartbeatIntervalMs } = options.mesh;
    this.#ranked = rankServers(servers, nodeId);
    this.#silentTicks =
      Math.max(shortestSilenceMs, silentHeartbeats * heartbeatIntervalMs) / options.periodMs;
  }

  /** One beat: links that have been silent for too long are cut. */
  tick(): void {
    for (const link of this.#links.values()) {
      link.tick();
      if (link.quietTicks > this.#silentTicks) link.end("silent_peer");
    }
  }

  /** Dials whom there is to dial, and nobody else; to be asked again about once a second. */
  dial(): void {
    const now = this.#options.clock.now();
    const wanted = serversToDial(this.#ranked, ({ voter }) => {
      const since = this.#dialled.get(voter)?.linklessSince ?? null;
      return since === null ? 0 : now - since;
    });
    for (const server of wanted) if (!this.#dialled.has(server.voter)) this.#dial(server);
    const kept = new Set(wanted.map(({ voter }) => voter));
    for (const [voter, { dialer }] of this.#dialled) {
      if (kept.has(voter)) continue;
      this.#dialled.delete(voter);
      dialer.stop();
      this.#links.get(voter)?.close();
    }
  }

  byVoter(): Iterable<readonly [voter: string, link: Link]> {
    return this.#links;
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  /** Says goodbye to everyone and closes. True when there was someone. */
  leave(): boolean {
    this.#stopped = true;
    for (const { dialer } of this.#dialled.values()) dialer.stop();
    const links = this.all();
    for (const link of links) {
      link.send({ type: "leave" });
      link.close();
    }
    return links.length > 0;
  }

  #dial(server: ServerAddress): void {
    const { local, clock, refusals } = this.#options;
    const dialer = new Dialer({
      server,
      local,
      clock,
      backOff: agentBackOff,
      random: Math.random,
      admit: () => null,
      onLink: (link) => this.#open(server.voter, link),
      onConnectionRefused: () => undefined,
      onPeerRefused: (reason, peer) => refusals.add(reason, peer, server.url),
    });
    this.#dialled.set(server.voter, { dialer, linklessSince: clock.now() });
    dialer.start();
  }

  #open(voter: string, link: Link): void {
    const { mesh, periodMs, dropped, onFrame, onOpen } = this.#options;
    link.listen(
      {
        onFrame: (frame) => onFrame(voter, link, frame),
        onPulse: () => undefined,
        onDrop: (what) => dropped.add(what),
        onEnd: (end, detail) => this.#closed(voter, link, end, detail),
      },
      mesh.heartbeatIntervalMs,
      periodMs,
    );
    this.#links.set(voter, link);
    const dialled = this.#dialled.get(voter);
    if (dialled !== undefined) dialled.linklessSince = null;
    mesh.log("info", "a link is open", { nodeId: link.peer.nodeId });
    onOpen(voter, link);
  }

  #closed(voter: string, link: Link, end: LinkEnd, detail: string): void {
    const { mesh, refusals, clock, onLost } = this.#options;
    if (this.#links.get(voter) === link) this.#links.delete(voter);
    mesh.log("info", "a link has ended", { nodeId: link.peer.nodeId, end, detail });
    if (isFault(end)) refusals.add(end, link.peer, detail);
    onLost(voter);
    const dialled = this.#dialled.get(voter);
    if (dialled === undefined || this.#stopped) return;
    dialled.linklessSince = clock.now();
    dialled.dialer.linkEnded();
  }
}
