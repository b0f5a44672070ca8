import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** Which way bytes flow: from the side that dialled to the one that was dialled, or back. */
type Way = "out" | "back";

/**
 * A TCP proxy that breaks one path on purpose. What is held is not lost: as on a cut cable, TCP delivers it once the path
 * is whole again.
 */
export class FaultProxy {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #held = new Set<Way>();
  #delayMs = 0;
  port = 0;

  constructor(targetPort: number) {
    this.#target = targetPort;
    this.#server = createServer((client) => this.#join(client));
  }

  /** Takes connections, on the port that it had before if there was one. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(this.port, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port given");
    this.port = address.port;
  }

  /** A cut cable: nothing passes either way, and no end hears of it. */
  hold(...ways: readonly Way[]): void {
    for (const way of ways.length === 0 ? (["out", "back"] as const) : ways) this.#held.add(way);
    for (const pair of this.#pairs) pair.obey(this.#held);
  }

  /** Every chunk comes so much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Resets every connection; new ones are taken. */
  reset(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** The path is whole again, at once. */
  heal(): void {
    this.#held.clear();
    this.#delayMs = 0;
    for (const pair of this.#pairs) pair.obey(this.#held);
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(client: Socket): void {
    const pair = new Pair(client, dial(this.#target, "127.0.0.1"), () => this.#delayMs);
    this.#pairs.add(pair);
    pair.onEnd = () => this.#pairs.delete(pair);
    pair.obey(this.#held);
  }
}

/** One connection through the proxy. */
class Pair {
  readonly #ends: Readonly<Record<Way, Socket>>;
  onEnd: () => void = () => undefined;

  constructor(client: Socket, target: Socket, delayMs: () => number) {
    this.#ends = { out: client, back: target };
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk) => {
        const ms = delayMs();
        // Timers of equal length fire in order, so bytes stay in order while the delay stays.
        if (ms === 0) to.write(chunk);
        else setTimeout(() => to.write(chunk), ms);
      });
      from.on("end", () => to.end());
      from.on("error", () => to.resetAndDestroy());
      from.on("close", () => {
        to.destroy();
        this.onEnd();
      });
    }
  }

  /** A held way is not read: the sender's bytes wait in the kernel, as on a path that is cut. */
  obey(held: ReadonlySet<Way>): void {
    for (const way of ["out", "back"] as const) {
      if (held.has(way)) this.#ends[way].pause();
      else this.#ends[way].resume();
    }
  }

  reset(): void {
    for (const end of Object.values(this.#ends)) end.resetAndDestroy();
  }
}
