import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { PeerIdentity } from "@ringrift/protocol";
import { WebSocketServer } from "ws";
import { AddressLimiter } from "./address-limiter.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { acceptHandshake, type HandshakeClock } from "./handshake.ts";
import { limits } from "./limits.ts";
import { type Link, socketOptions } from "./link.ts";
import { type CertifiedPeer, certifiedPeer } from "./mesh-tls.ts";
import { isLoopbackAddress } from "./servers.ts";
import { TokenBucket } from "./token-bucket.ts";
import { isOpenToOthers } from "./trust.ts";

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
  readonly #accepts: TokenBucket;
  readonly #addresses = new AddressLimiter();
  #pending = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#accepts = new TokenBucket(limits.accepts, options.clock.now());
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { local, clock, admit, onLink, onRefused } = this.#options;
    const address = request.socket.remoteAddress ?? "unknown";
    const problem = this.#problemWith(request, address);
    if (problem !== null) {
      refuseUpgrade(socket, statusLines[problem] ?? "403 Forbidden");
      onRefused(problem, null, address);
      return;
    }
    this.#pending += 1;
    let pending = true;
    const settled = (failed: boolean): void => {
      if (!pending) return;
      pending = false;
      this.#pending -= 1;
      if (failed) this.#addresses.failed(address, clock.now());
    };
    socket.once("close", () => settled(true));
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const certified = (): CertifiedPeer | null => certifiedPeer(request.socket);
      acceptHandshake(
        webSocket,
        { local, clock, certified, admit },
        {
          onLink: (link) => {
            settled(false);
            onLink(link);
          },
          onRefused: (reason, peer) => {
            settled(true);
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
    return this.#pending < limits.pendingHandshakes && this.#accepts.take(now) ? null : "too_many";
  }
}

const statusLines: Partial<Readonly<Record<RefusalReason, string>>> = {
  address_blocked: "429 Too Many Requests",
  too_many: "503 Service Unavailable",
};

/** Answers an upgrade with an HTTP error and closes. */
export function refuseUpgrade(socket: Duplex, statusLine: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
