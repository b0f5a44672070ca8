import { constants } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createServer as createTlsServer, type ServerOptions, Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { serve } from "@hono/node-server";
import { RingRiftError } from "@ringrift/protocol";
import type { EndpointsApp } from "./endpoints.ts";

/** A certificate with its key, and the authority whose certificates prove who a client is; all PEM. */
interface ListenTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface Listening {
  /** The port in use, also where 0 asked for any free one. */
  readonly port: number;
  /** Takes another certificate for the connections from now on; nothing without TLS. */
  renewTls(tls: ListenTls): void;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly app: EndpointsApp;
  readonly host: string;
  readonly port: number;
  /** HTTPS instead of HTTP. Clients may show a certificate and need not: who takes an upgrade asks whether it stands. */
  readonly tls?: ListenTls | null;
  /** Takes over WebSocket upgrades; any upgrade is refused when absent. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const maxHeaderBytes = 16_384;

function tlsOptions(tls: ListenTls): ServerOptions {
  return {
    ...tls,
    maxHeaderSize: maxHeaderBytes,
    minVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: 5_000,
    // A resumed session would stand on a certificate that was checked before a reload.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * Serves the app on one port.
 * @throws RingRiftError `PORT_IN_USE`, `PORT_DENIED` or `LISTEN_FAILED`, naming host and port.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { app, host, port } = options;
  const server = await new Promise<Server>((resolve, reject) => {
    const http = serve(
      {
        fetch: app.fetch,
        hostname: host,
        port,
        ...(options.tls == null
          ? { serverOptions: { maxHeaderSize: maxHeaderBytes } }
          : { createServer: createTlsServer, serverOptions: tlsOptions(options.tls) }),
      },
      () => {
        http.off("error", onError);
        resolve(http as Server);
      },
    );
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
    http.once("error", onError);
    http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (options.onUpgrade !== undefined) options.onUpgrade(request, socket, head);
      else refuseUpgrade(socket);
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxConnections = 16_384;
  return {
    port: (server.address() as AddressInfo).port,
    renewTls: (tls) => {
      if (server instanceof TlsServer) server.setSecureContext(tlsOptions(tls));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Not left half open: whoever never closes its side would hold a connection for ever. */
function refuseUpgrade(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", () =>
    socket.destroy(),
  );
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): RingRiftError {
  const where = `${host}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new RingRiftError(`Port ${port} on ${host} is in use by another program.`, {
        code: "PORT_IN_USE",
        nextStep: "Stop that program, or choose another port with --port.",
        cause: error,
      });
    case "EACCES":
      return new RingRiftError(`This user may not listen on ${where}.`, {
        code: "PORT_DENIED",
        nextStep: "Choose a port above 1023 with --port.",
        cause: error,
      });
    default:
      return new RingRiftError(`Cannot listen on ${where}: ${error.message}.`, {
        code: "LISTEN_FAILED",
        nextStep: "Check that the host is an address of this machine.",
        cause: error,
      });
  }
}
