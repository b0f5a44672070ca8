import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Frame, PeerIdentity } from "@ringrift/protocol";
import { Acceptor } from "./acceptor.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { serverBackOff } from "./back-off.ts";
import { tickMs } from "./beat.ts";
import { BoundedLog } from "./bounded-log.ts";
import type { Counts } from "./counts.ts";
import { Dialer } from "./dialer.ts";
import type { HandshakeClock } from "./handshake.ts";
import { limits } from "./limits.ts";
import type { Link, LinkEnd } from "./link.ts";
import { LinkTable, peerKey } from "./link-table.ts";
import type { MeshOptions } from "./mesh.ts";
import { isFault } from "./peer-fault.ts";
import { timingWarning } from "./peer-timing.ts";
import type { Refusals } from "./refusals.ts";

/** Heartbeats missed after which a peer counts as not reached, and a new process may take its node's place. */
const missedHeartbeats = 3;
/** Silent heartbeats after which a link is cut; suspicion comes far earlier. */
const silentHeartbeats = 10;
const shortestSilenceMs = 10_000;

export interface ServerLinksOptions {
  readonly mesh: MeshOptions;
  readonly local: LocalPeer;
  readonly voter: string;
  readonly clock: HandshakeClock;
  readonly refusals: Refusals;
  readonly dropped: Counts;
  readonly onOpen: (link: Link) => void;
  readonly onFrame: (link: Link, frame: Frame) => void;
  /** A sign of life between two frames. */
  readonly onPulse: (link: Link) => void;
  /** The last link of a peer is gone. */
  readonly onLost: (link: Link) => void;
  /** A voter's host answered "connection refused", and no link to it is left. */
  readonly onHostRefused: (voter: string) => void;
}

/** A server's links: dials the other voters, takes whoever dials, and knows who is connected. */
export class ServerLinks {
  readonly #options: ServerLinksOptions;
  readonly #table: LinkTable;
  readonly #dialers = new Map<string, Dialer>();
  readonly #acceptor: Acceptor;
  readonly #agentLog: BoundedLog;
  readonly #silentTicks: number;
  #stopped = false;

  constructor(options: ServerLinksOptions) {
    this.#options = options;
    const { mesh, local, voter, clock } = options;
    this.#table = new LinkTable((missedHeartbeats * mesh.heartbeatIntervalMs) / tickMs);
    this.#silentTicks = Math.max(shortestSilenceMs, silentHeartbeats * mesh.heartbeatIntervalMs) / tickMs;
    this.#agentLog = new BoundedLog(mesh.log, limits.changesLogged, clock.now);
    this.#acceptor = new Acceptor({
      local,
      clock,
      admit: (peer) => this.#admit(peer),
      onLink: (link) => this.#open(link),
      onRefused: (reason, peer, address) => options.refusals.add(reason, peer, address),
    });
    for (const server of mesh.servers) {
      if (server.voter === voter) continue;
      const dialer = new Dialer({
        server,
        local,
        clock,
        backOff: serverBackOff,
        random: Math.random,
        admit: (peer) => this.#admit(peer),
        onLink: (link) => this.#open(link),
        onConnectionRefused: () => {
          if (!this.#table.has(server.voter)) options.onHostRefused(server.voter);
        },
        onPeerRefused: (reason, peer) => options.refusals.add(reason, peer, server.url),
      });
      this.#dialers.set(server.voter, dialer);
    }
  }

  dial(): void {
    for (const dialer of this.#dialers.values()) dialer.start();
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#acceptor.handleUpgrade(request, socket, head);
  }

  /** Counts one tick of silence for every peer and cuts those that were silent for too long. */
  tick(): void {
    this.#table.tick(this.#silentTicks);
  }

  /** Whether the peer has a link and was heard on it within three heartbeats. */
  reaches(key: string): boolean {
    return this.#table.reaches(key);
  }

  has(key: string): boolean {
    return this.#table.has(key);
  }

  of(key: string): Link[] {
    return this.#table.of(key);
  }

  all(): Link[] {
    return this.#table.all();
  }

  /** One link to each server. */
  servers(): Link[] {
    return oneOfEach(this.#table.peers("server"));
  }

  /** Every link to a server: each needs a sign of life of its own. */
  allOfServers(): Link[] {
    return [...this.#table.peers("server")].flat();
  }

  agents(): Link[] {
    return oneOfEach(this.#table.peers("agent"));
  }

  /** No more dials, and what comes is closed. */
  stopDialling(): void {
    this.#stopped = true;
    for (const dialer of this.#dialers.values()) dialer.stop();
  }

  /** Says goodbye to everyone and closes. True when there was someone. */
  leave(): boolean {
    const links = this.all();
    for (const link of links) {
      link.send({ type: "leave" });
      link.close();
    }
    return links.length > 0;
  }

  /** Cuts whatever is still open. */
  stop(): void {
    this.#acceptor.stop();
  }

  #admit(peer: PeerIdentity): RefusalReason | null {
    return this.#table.problemWith(peer);
  }

  #open(link: Link): void {
    const { peer } = link;
    link.listen(
      {
        onFrame: (frame) => this.#options.onFrame(link, frame),
        onPulse: () => this.#options.onPulse(link),
        onDrop: (what) => this.#options.dropped.add(what),
        onEnd: (end, detail) => this.#closed(link, end, detail),
      },
      this.#options.mesh.heartbeatIntervalMs,
    );
    if (this.#stopped) {
      link.close();
      return;
    }
    this.#table.add(link);
    this.#log(link, "a link is open", { role: peer.role });
    const warning = timingWarning(this.#options.local.timing, peer);
    if (warning !== null) this.#agentLog.write("warn", "a linked node is set otherwise", { warning });
    this.#options.onOpen(link);
  }

  #closed(link: Link, end: LinkEnd, detail: string): void {
    const { peer, direction } = link;
    if (isFault(end)) this.#options.refusals.add(end, peer, detail);
    if (end === "slow_peer") this.#options.dropped.add("slow_peer");
    const last = this.#table.remove(link);
    this.#log(link, "a link has ended", { end, detail });
    if (direction === "out") this.#dialers.get(peerKey(peer))?.linkEnded();
    if (last && !this.#stopped) this.#options.onLost(link);
  }

  /** Agents come and go by the thousand; each link with a server is worth its line. */
  #log({ peer, direction }: Link, message: string, fields: Readonly<Record<string, string>>): void {
    const log = peer.role === "server" ? this.#options.mesh.log : this.#agentLog.write;
    log("info", message, { nodeId: peer.nodeId, direction, ...fields });
  }
}

function oneOfEach(peers: Iterable<readonly Link[]>): Link[] {
  return [...peers].flatMap((links) => links[0] ?? []);
}
