import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { PeerIdentity } from "@ringrift/protocol";
import { WebSocketServer } from "ws";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { acceptHandshake, type HandshakeClock } from "./handshake.ts";
import { type Link, socketOptions } from "./link.ts";
import { isLoopbackAddress } from "./servers.ts";

/** Sockets that may be between upgrade and welcome at once. */
const maxPending = 256;

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
  #pending = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { local, clock, admit, onLink, onRefused } = this.#options;
    const address = request.socket.remoteAddress ?? "unknown";
    const problem = this.#problemWith(request);
    if (problem !== null) {
      refuseUpgrade(socket, problem === "too_many" ? "503 Service Unavailable" : "403 Forbidden");
      onRefused(problem, null, address);
      return;
    }
    this.#pending += 1;
    let pending = true;
    const settled = (): void => {
      if (pending) this.#pending -= 1;
      pending = false;
    };
    socket.once("close", settled);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      acceptHandshake(webSocket, local, clock, admit, {
        onLink: (link) => {
          settled();
          onLink(link);
        },
        onRefused: (reason, peer) => {
          settled();
          // Someone who hangs up was not refused.
          if (reason !== "closed") onRefused(reason, peer, address);
        },
      });
    });
  }

  /** Cuts whatever is still open. */
  stop(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
  }

  #problemWith(request: IncomingMessage): RefusalReason | null {
    // Only browsers send one, and no browser is a peer.
    if (request.headers.origin !== undefined) return "origin_header";
    if (this.#options.local.keyring === null && !isLoopbackAddress(request.socket.remoteAddress))
      return "not_loopback";
    return this.#pending >= maxPending ? "too_many" : null;
  }
}

/** Answers an upgrade with an HTTP error and closes. */
export function refuseUpgrade(socket: Duplex, statusLine: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
