import { connect } from "node:net";

/** What a number of clients got in one window. */
interface Scraped {
  readonly requestsPerSecond: number;
  readonly bytes: number;
}

/**
 * Clients that ask for a path again as soon as they have the answer, each over one connection kept open. Plain sockets,
 * so that the clients cost less than the server they measure.
 * @throws Error when an answer is not 200.
 */
export async function scrape(port: number, clients: number, windowMs: number): Promise<Scraped> {
  const request = `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/plain\r\n\r\n`;
  let answers = 0;
  let bytes = 0;
  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      const answer = new AnswerReader((size) => {
        answers += 1;
        bytes = size;
        if (performance.now() < end) socket.write(request);
        else socket.destroy();
      });
      socket.on("connect", () => socket.write(request));
      socket.on("data", (chunk: Buffer) => answer.feed(chunk));
      socket.on("error", reject);
      socket.on("close", resolve);
    });
  const start = performance.now();
  const end = start + windowMs;
  await Promise.all(Array.from({ length: clients }, client));
  return { requestsPerSecond: answers / ((performance.now() - start) / 1000), bytes };
}

/** Finds where each answer ends: by its Content-Length, or by the last chunk. */
class AnswerReader {
  readonly #onAnswer: (bytes: number) => void;
  #head = "";
  #body = 0;
  #length: number | "chunked" | null = null;
  #tail = "";

  constructor(onAnswer: (bytes: number) => void) {
    this.#onAnswer = onAnswer;
  }

  feed(chunk: Buffer): void {
    let body = chunk.length;
    let tail = chunk.subarray(-5).toString("latin1");
    if (this.#length === null) {
      this.#head += chunk.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.#head.startsWith("HTTP/1.1 200")) throw new Error(`answered ${this.#head.slice(0, 60)}`);
      const length = /^content-length: (\d+)/im.exec(this.#head.slice(0, end))?.[1];
      this.#length = length === undefined ? "chunked" : Number(length);
      body = this.#head.length - end - 4;
      tail = this.#head.slice(end + 4).slice(-5);
    }
    this.#body += body;
    this.#tail = (this.#tail + tail).slice(-5);
    const done = this.#length === "chunked" ? this.#tail === "0\r\n\r\n" : this.#body >= this.#length;
    if (!done) return;
    const bytes = this.#body;
    this.#head = "";
    this.#body = 0;
    this.#length = null;
    this.#tail = "";
    this.#onAnswer(bytes);
  }
}
