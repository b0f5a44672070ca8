import type { PeerIdentity } from "@ringrift/protocol";
import { WebSocket } from "ws";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { dialHandshake, type HandshakeClock, handshakeTimeoutMs } from "./handshake.ts";
import { type Link, socketOptions } from "./link.ts";
import { isLoopbackAddress, type ServerAddress } from "./servers.ts";

/** Back-off between dials, milliseconds: full jitter below a cap that doubles. */
interface BackOff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** The wait before the next dial after `failures` in a row, 0 or more, in [0, cap]. `random` is in [0, 1). */
function backOffMs(backOff: BackOff, failures: number, random: number): number {
  return Math.floor(random * Math.min(backOff.capMs, backOff.firstMs * 2 ** Math.min(failures, 20)));
}

// A peer that refuses us for what we are will do so again: it is asked far more rarely.
const refusedBackOff: BackOff = { firstMs: 2_000, capMs: 30_000 };

export interface DialerOptions {
  readonly server: ServerAddress;
  readonly local: LocalPeer;
  readonly clock: HandshakeClock;
  readonly backOff: BackOff;
  readonly random: () => number;
  /** The last word on a peer that has proved who it is. */
  readonly admit: (peer: PeerIdentity) => RefusalReason | null;
  readonly onLink: (link: Link) => void;
  /** The host answered "connection refused": nothing listens there. */
  readonly onConnectionRefused: () => void;
  readonly onPeerRefused: (reason: RefusalReason, peer: PeerIdentity | null) => void;
}

/** Keeps one link to one server: dials, and dials again when told that the link has ended. */
export class Dialer {
  readonly #options: DialerOptions;
  #timer: NodeJS.Timeout | null = null;
  #socket: WebSocket | null = null;
  #failures = 0;
  #stopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#dial();
  }

  /** The link of this dialer ended: the first redial comes within 100 ms, so that a restart is noticed at once. */
  linkEnded(): void {
    this.#failures = 0;
    this.#socket = null;
    this.#dialAfter(backOffMs({ firstMs: 100, capMs: 100 }, 0, this.#options.random()));
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.terminate();
    this.#socket = null;
  }

  #dialAfter(waitMs: number): void {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#dial(), waitMs);
  }

  #dial(): void {
    const { server, local, clock, admit } = this.#options;
    const socket = new WebSocket(server.url, {
      ...socketOptions,
      handshakeTimeout: handshakeTimeoutMs,
      followRedirects: false,
    });
    this.#socket = socket;
    let insecure = false;
    let refusedByHost = false;
    socket.on("upgrade", (response) => {
      insecure = local.keyring === null && !isLoopbackAddress(response.socket.remoteAddress);
      if (insecure) socket.terminate();
    });
    socket.on("error", (error: Error & { code?: string }) => {
      refusedByHost ||= isConnectionRefused(error);
    });
    dialHandshake(socket, local, clock, server.voter, admit, {
      onLink: (link) => {
        this.#failures = 0;
        // Only the link ends this socket from here on.
        this.#socket = null;
        if (this.#stopped) link.close();
        else this.#options.onLink(link);
      },
      onRefused: (reason, peer) => {
        if (this.#stopped) return;
        const cause = insecure ? "not_loopback" : reason;
        const backOff = cause === "closed" ? this.#options.backOff : refusedBackOff;
        this.#dialAfter(backOffMs(backOff, this.#failures, this.#options.random()));
        this.#failures += 1;
        if (cause !== "closed") this.#options.onPeerRefused(cause, peer);
        else if (refusedByHost) this.#options.onConnectionRefused();
      },
    });
  }
}

// A name with several addresses fails with one error per address; it is refused when all of them are.
function isConnectionRefused(error: Error & { code?: string }): boolean {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.every((each: unknown) => each instanceof Error && isConnectionRefused(each));
  return error.code === "ECONNREFUSED";
}
