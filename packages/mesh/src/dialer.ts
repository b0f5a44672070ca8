import type { PeerIdentity } from "@ringrift/protocol";
import type { WebSocket } from "ws";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { type BackOff, backOffMs, busyBackOff, refusedBackOff, stableLinkMs } from "./back-off.ts";
import { DialledSocket } from "./dialled-socket.ts";
import { dialHandshake, type HandshakeClock } from "./handshake.ts";
import type { Link } from "./link.ts";
import type { ServerAddress } from "./servers.ts";

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
  /** How often in a row the server had no room. */
  #turnedAway = 0;
  #linkedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#dial();
  }

  /** The link of this dialer ended: after one that lasted the redial comes soon, so that a restart is noticed at once. */
  linkEnded(): void {
    const lastedMs = this.#options.clock.now() - this.#linkedAt;
    if (lastedMs >= stableLinkMs) this.#failures = 0;
    this.#dialAfter(backOffMs(this.#options.backOff, this.#failures, this.#options.random()));
    this.#failures += 1;
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
    const dialled = new DialledSocket(server.url, local.trust);
    const { socket } = dialled;
    this.#socket = socket;
    const certified = (): DialledSocket["certified"] => dialled.certified;
    dialHandshake(socket, { local, clock, certified, admit }, server.voter, {
      onLink: (link) => {
        this.#linkedAt = clock.now();
        this.#turnedAway = 0;
        // Only the link ends this socket from here on.
        this.#socket = null;
        if (this.#stopped) link.close();
        else this.#options.onLink(link);
      },
      onRefused: (reason, peer) => {
        if (this.#stopped) return;
        const { busy, turnMs } = dialled;
        const cause = dialled.insecure ? "not_loopback" : dialled.untrusted ? "certificate" : reason;
        if (busy) this.#dialAfter(turnMs ?? backOffMs(busyBackOff, this.#turnedAway, this.#options.random()));
        else {
          // A server that is too slow may be faster soon; one that refuses will do so again.
          const isRefusal = cause !== "closed" && cause !== "handshake_timeout";
          const backOff = isRefusal ? refusedBackOff : this.#options.backOff;
          this.#dialAfter(backOffMs(backOff, this.#failures, this.#options.random()));
        }
        // A server that is full has not failed: it must not be looked for more rarely later.
        if (busy) this.#turnedAway += 1;
        else this.#failures += 1;
        if (cause !== "closed") this.#options.onPeerRefused(cause, peer);
        else if (dialled.refusedByHost) this.#options.onConnectionRefused();
      },
    });
  }
}
