import type { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket } from "ws";
import { toldTurnMs } from "./acceptor.ts";
import { limits } from "./limits.ts";
import { socketOptions } from "./link.ts";
import { type CertifiedPeer, certifiedPeer, type MeshTls } from "./mesh-tls.ts";
import { isLoopbackAddress } from "./servers.ts";
import { isOpenToOthers, type Trust } from "./trust.ts";

/** A WebSocket on its way to a server, and what is learnt of that server before its first frame. */
export class DialledSocket {
  readonly socket: WebSocket;
  /** What the server's certificate proves. */
  certified: CertifiedPeer | null = null;
  /** It is another machine, and there is neither key nor certificate to speak to one. */
  insecure = false;
  /** The HTTP answer of a server that took no upgrade. */
  status: number | null = null;
  /** When a server that has no room said to come again. */
  turnMs: number | null = null;
  error: (Error & { code?: string }) | null = null;

  constructor(url: string, trust: Trust) {
    this.socket = new WebSocket(url, {
      ...socketOptions,
      handshakeTimeout: limits.handshakeMs,
      followRedirects: false,
      ...clientTls(trust.tls),
    });
    this.socket.on("upgrade", (response) => {
      this.certified = certifiedPeer(response.socket);
      this.insecure = !isOpenToOthers(trust) && !isLoopbackAddress(response.socket.remoteAddress);
      if (this.insecure) this.socket.terminate();
    });
    this.socket.on("unexpected-response", (_request, response) => this.#turnedAway(response));
    this.socket.on("error", (error: Error) => {
      this.error ??= error;
    });
  }

  /** It has no room now. */
  get busy(): boolean {
    return this.status === 503;
  }

  /** Nothing listens there. */
  get refusedByHost(): boolean {
    return this.error !== null && isConnectionRefused(this.error);
  }

  /** Its certificate does not stand here, or ours not there. */
  get untrusted(): boolean {
    return this.error !== null && isCertificateError(this.error);
  }

  #turnedAway(response: IncomingMessage): void {
    this.status = response.statusCode ?? null;
    this.turnMs = this.busy ? toldTurnMs(response) : null;
    this.socket.terminate();
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
