import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { PeerIdentity } from "@ringrift/protocol";
import { WebSocketServer } from "ws";
import { AddressLimiter, type HandshakeFailure } from "./address-limiter.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { acceptHandshake, type HandshakeClock } from "./handshake.ts";
import { limits } from "./limits.ts";
import { type Link, socketOptions } from "./link.ts";
import { type CertifiedPeer, certifiedPeer } from "./mesh-tls.ts";
import { isLoopbackAddress } from "./servers.ts";
import { isOpenToOthers } from "./trust.ts";
import { Turnstile } from "./turnstile.ts";

export interface AcceptorOptions {
  readonly local: LocalPeer;
  readonly clock: HandshakeClock;
  readonly admit: (peer: PeerIdentity) => RefusalReason | null;
  readonly onLink: (link: Link) => void;
  readonly onRefused: (reason: RefusalReason, peer: PeerIdentity | null, address: string) => void;
}

/** Turns upgrades of the HTTP server into links. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #sockets = new WebSocketServer({ ...socketOptions, noServer: true, clientTracking: true });
  readonly #turnstile: Turnstile;
  readonly #addresses = new AddressLimiter();
  /** Handshakes under way, by address. */
  readonly #pending = new Map<string, number>();
  #allPending = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#turnstile = new Turnstile(options.clock.now());
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { local, clock, admit, onLink, onRefused } = this.#options;
    const address = request.socket.remoteAddress ?? "unknown";
    const problem = this.#problemWith(request, address);
    if (problem !== null) {
      const turnMs = problem === "too_many" ? this.#turnstile.turn(clock.now()) : null;
      refuseUpgrade(socket, statusLines[problem] ?? "403 Forbidden", turnMs);
      onRefused(problem, null, address);
      return;
    }
    this.#notePending(address, 1);
    const startedAt = clock.now();
    let pending = true;
    const settled = (failure: HandshakeFailure | null): void => {
      if (!pending) return;
      pending = false;
      // It holds the whole request, which is of no more use.
      socket.off("close", onClose);
      this.#notePending(address, -1);
      this.#turnstile.noteHandshake(clock.now() - startedAt);
      if (failure !== null) this.#addresses.failed(address, failure, clock.now());
    };
    const onClose = (): void => settled("hung_up");
    socket.once("close", onClose);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const certified = (): CertifiedPeer | null => certifiedPeer(request.socket);
      acceptHandshake(
        webSocket,
        { local, clock, certified, admit },
        {
          onLink: (link) => {
            settled(null);
            onLink(link);
          },
          onRefused: (reason, peer) => {
            settled(failureOf(reason));
            // Someone who hangs up was not refused.
            if (reason !== "closed") onRefused(reason, peer, address);
          },
        },
      );
    });
  }

  /** Cuts whatever is still open. */
  stop(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
  }

  #problemWith(request: IncomingMessage, address: string): RefusalReason | null {
    const now = this.#options.clock.now();
    // Only browsers send one, and no browser is a peer.
    if (request.headers.origin !== undefined) return "origin_header";
    if (!isOpenToOthers(this.#options.local.trust) && !isLoopbackAddress(address)) return "not_loopback";
    if (this.#addresses.isBlocked(address, now)) return "address_blocked";
    const hasRoom =
      this.#allPending < limits.pendingHandshakes &&
      (this.#pending.get(address) ?? 0) < limits.pendingPerAddress;
    return hasRoom && this.#turnstile.enter(now) ? null : "too_many";
  }

  #notePending(address: string, change: 1 | -1): void {
    this.#allPending += change;
    const count = (this.#pending.get(address) ?? 0) + change;
    if (count === 0) this.#pending.delete(address);
    else this.#pending.set(address, count);
  }
}

/** Who goes, is too slow or refuses this server has shown nothing that was wrong: so do overloaded agents. */
function failureOf(reason: RefusalReason | "closed"): HandshakeFailure {
  const isHangUp = reason === "closed" || reason === "handshake_timeout" || reason === "refused_by_peer";
  return isHangUp ? "hung_up" : "refused";
}

const statusLines: Partial<Readonly<Record<RefusalReason, string>>> = {
  address_blocked: "429 Too Many Requests",
  too_many: "503 Service Unavailable",
};

/** Says when to come again, in milliseconds; `Retry-After` knows whole seconds only. */
const turnHeader = "ringrift-turn-ms";

/** Answers an upgrade with an HTTP error and closes. `turnMs`: when the peer may try again. */
export function refuseUpgrade(socket: Duplex, statusLine: string, turnMs: number | null = null): void {
  const turn = turnMs === null ? "" : `${turnHeader}: ${turnMs}\r\n`;
  socket.on("error", () => socket.destroy());
  // Not left half open: whoever never closes its side would hold a connection for ever.
  socket.end(`HTTP/1.1 ${statusLine}\r\n${turn}Connection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

/** The wait that a server which is full has told; null when it told none that is sensible. */
export function toldTurnMs(answer: IncomingMessage): number | null {
  const text = answer.headers[turnHeader];
  const turnMs = typeof text === "string" && /^\d{1,6}$/.test(text) ? Number(text) : null;
  return turnMs !== null && turnMs <= limits.longestTurnMs ? turnMs : null;
}
