import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import type { LocalPeer } from "../auth.ts";
import { dialHandshake } from "../handshake.ts";
import { type Keyring, parseKeyring } from "../keyring.ts";
import type { Link } from "../link.ts";

/** Whoever knocks at a server's door: with any identity, any key, or no manners at all. */
export class Stranger {
  readonly #url: string;
  readonly #keyring: Keyring;
  readonly #sockets: (WebSocket | Socket)[] = [];
  /** What it said in its handshakes, in order. */
  readonly said: string[] = [];

  constructor(url: string, keyring: Keyring) {
    this.#url = url;
    this.#keyring = keyring;
  }

  /** A WebSocket that has said nothing yet. */
  open(headers: Record<string, string> = {}): WebSocket {
    const socket = new WebSocket(this.#url, { headers });
    socket.on("error", () => undefined);
    this.#sockets.push(socket);
    return socket;
  }

  /** Asks for an upgrade with these headers and never ends its side of the connection. */
  keepOpen(headers: Readonly<Record<string, string>>): void {
    const { hostname, port } = new URL(this.#url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    this.#sockets.push(socket);
    socket.on("error", () => undefined);
    socket.resume();
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write([...upgradeLines(hostname, port), ...more, "\r\n"].join("\r\n"));
  }

  /** An open socket of an upgrade that the server took, to write bytes to; null when it was not taken. */
  raw(): Promise<Socket | null> {
    const { hostname, port } = new URL(this.#url);
    const socket = connect(Number(port), hostname);
    this.#sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(
      [...upgradeLines(hostname, port), "Sec-WebSocket-Extensions: permessage-deflate", "\r\n"].join("\r\n"),
    );
    return new Promise((resolve) => {
      socket.once("data", (head) => resolve(head.toString().startsWith("HTTP/1.1 101") ? socket : null));
      socket.once("close", () => resolve(null));
    });
  }

  identity(changes: Partial<LocalPeer> = {}): LocalPeer {
    return {
      clusterId: "test",
      role: "agent",
      nodeId: "stranger",
      instance: "00000000-0000-4000-8000-000000000000",
      voter: null,
      voters: ["v1"],
      boot: 1,
      programVersion: "1.2.3",
      timing: { heartbeatMs: 200, election: null },
      versions: { oldest: 1, newest: 1 },
      trust: { keyring: this.#keyring, tls: null },
      ...changes,
    };
  }

  /** A link with the socket under it; null when it was refused. */
  async link(changes: Partial<LocalPeer> = {}): Promise<{ link: Link; socket: WebSocket } | null> {
    const socket = this.open();
    const send = socket.send.bind(socket);
    socket.send = (data: unknown) => {
      this.said.push(String(data));
      send(String(data));
    };
    const clock = { now: () => performance.now(), wallMs: () => Date.now() };
    return new Promise((resolve) => {
      const terms = { local: this.identity(changes), clock, certified: () => null, admit: () => null };
      dialHandshake(socket, terms, "v1", {
        onLink: (link) => {
          socket.send = send;
          link.listen(
            {
              onFrame: () => undefined,
              onPulse: () => undefined,
              onDrop: () => undefined,
              onEnd: () => undefined,
            },
            200,
          );
          resolve({ link, socket });
        },
        onRefused: () => resolve(null),
      });
    });
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) {
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    }
  }
}

/** A keyring with a random key under the id that the cluster uses. */
export function wrongKeyring(): Keyring {
  return parseKeyring(`k1:${randomBytes(32).toString("base64")}`, "wrong");
}

function upgradeLines(hostname: string, port: string): string[] {
  return [
    "GET /mesh HTTP/1.1",
    `Host: ${hostname}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ];
}
