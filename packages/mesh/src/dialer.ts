import type { PeerIdentity } from "@ringrift/protocol";
import { type ClientOptions, WebSocket } from "ws";
import { toldTurnMs } from "./acceptor.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { type BackOff, backOffMs, busyBackOff, refusedBackOff, stableLinkMs } from "./back-off.ts";
import { dialHandshake, type HandshakeClock } from "./handshake.ts";
import { limits } from "./limits.ts";
import { type Link, socketOptions } from "./link.ts";
import { type CertifiedPeer, certifiedPeer, type MeshTls } from "./mesh-tls.ts";
import { isLoopbackAddress, type ServerAddress } from "./servers.ts";
import { isOpenToOthers } from "./trust.ts";

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
    const socket = new WebSocket(server.url, {
      ...socketOptions,
      handshakeTimeout: limits.handshakeMs,
      followRedirects: false,
      ...clientTls(local.trust.tls),
    });
    this.#socket = socket;
    let insecure = false;
    let certified: CertifiedPeer | null = null;
    let refusedByHost = false;
    let untrusted = false;
    let busy = false;
    let turnMs: number | null = null;
    socket.on("upgrade", (response) => {
      certified = certifiedPeer(response.socket);
      insecure = !isOpenToOthers(local.trust) && !isLoopbackAddress(response.socket.remoteAddress);
      if (insecure) socket.terminate();
    });
    socket.on("unexpected-response", (_request, response) => {
      busy = response.statusCode === 503;
      turnMs = busy ? toldTurnMs(response) : null;
      socket.terminate();
    });
    socket.on("error", (error: Error & { code?: string }) => {
      refusedByHost ||= isConnectionRefused(error);
      untrusted ||= isCertificateError(error);
    });
    dialHandshake(socket, { local, clock, certified: () => certified, admit }, server.voter, {
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
        const cause = insecure ? "not_loopback" : untrusted ? "certificate" : reason;
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

// Errors of a certificate have codes of OpenSSL's verification or of TLS alerts: CERT_HAS_EXPIRED, ERR_SSL_…, and the like.
function isCertificateError({ code }: Error & { code?: string }): boolean {
  return code !== undefined && /CERT|^ERR_(?:SSL|TLS)_|SELF_SIGNED|UNABLE_TO_/.test(code);
}

/** The peer is known by the node that its certificate names, which the handshake checks together with its address. */
function clientTls(tls: MeshTls | null): ClientOptions {
  if (tls === null) return {};
  const { cert, key, ca } = tls;
  return {
    cert,
    key,
    ca,
    minVersion: "TLSv1.3",
    rejectUnauthorized: true,
    // Node takes an error for an answer, and anything false for none.
    checkServerIdentity: () => false,
  };
}
