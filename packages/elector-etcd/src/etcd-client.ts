import { errorText } from "@ringrift/protocol";
import { EtcdError } from "./elector-error.ts";
import { readLines } from "./lines.ts";

/** Longest answer that is read; ours are a few hundred bytes. */
const maxAnswerBytes = 64 * 1024;

export interface Answer {
  readonly body: unknown;
  /** When the question left that was answered, on the caller's clock. */
  readonly sentAt: number;
}

export interface EtcdClientOptions {
  /** http(s) URLs, at least one. */
  readonly endpoints: readonly string[];
  /** After this an endpoint is given up and the next is asked. */
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Speaks etcd's JSON gateway: one endpoint at a time, the next when one does not answer. */
export class EtcdClient {
  readonly #options: EtcdClientOptions;
  #current = 0;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#current] ?? "";
  }

  /** Asks until one endpoint answers with 200. @throws EtcdError `ETCD_UNREACHABLE` when none did, `ETCD_REFUSED` on a 4xx */
  async post(path: string, question: unknown, signal: AbortSignal): Promise<Answer> {
    const { endpoints, timeoutMs, now } = this.#options;
    let why = "";
    for (let tried = 0; tried < endpoints.length && !signal.aborted; tried += 1) {
      const endpoint = this.endpoint;
      const sentAt = now();
      try {
        const response = await fetch(new URL(path, endpoint), {
          method: "POST",
          body: JSON.stringify(question),
          redirect: "error",
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        const text = await firstLine(response);
        // The bodies of errors differ between versions of etcd; their status does not.
        if (response.status === 200) return { body: JSON.parse(text), sentAt };
        why = `${endpoint} answered ${response.status}: ${text.slice(0, 200)}`;
        if (response.status >= 400 && response.status < 500)
          throw new EtcdError(why, { code: "ETCD_REFUSED" });
      } catch (error) {
        if (error instanceof EtcdError && error.code === "ETCD_REFUSED") throw error;
        why = `${endpoint}: ${causeText(error)}`;
      }
      this.next(endpoint);
    }
    throw new EtcdError(`No etcd endpoint answered; the last was ${why || "none"}.`, {
      code: "ETCD_UNREACHABLE",
      nextStep: `Check that etcd has a quorum and can be reached at ${endpoints.join(", ")}.`,
    });
  }

  /** Streams the answer's lines until either side ends it. @throws what `fetch` throws, and EtcdError when refused */
  async stream(
    path: string,
    question: unknown,
    signal: AbortSignal,
    onLine: (line: unknown) => void,
  ): Promise<void> {
    const { endpoint } = this;
    try {
      const body = JSON.stringify(question);
      const response = await fetch(new URL(path, endpoint), {
        method: "POST",
        body,
        redirect: "error",
        signal,
      });
      if (response.status !== 200 || response.body === null)
        throw new EtcdError(`${endpoint} answered ${response.status}.`, { code: "ETCD_REFUSED" });
      await readLines(response.body, maxAnswerBytes, (line) => onLine(JSON.parse(line)));
    } finally {
      this.next(endpoint);
    }
  }

  /** Leaves an endpoint that failed, unless another question did so already. */
  next(failed: string): void {
    if (this.endpoint === failed) this.#current = (this.#current + 1) % this.#options.endpoints.length;
  }
}

async function firstLine(response: Response): Promise<string> {
  if (response.body === null) return "";
  let first = "";
  await readLines(response.body, maxAnswerBytes, (line) => {
    if (first === "") first = line;
  });
  return first;
}

/** `fetch` says only "fetch failed"; the reason is in the cause. */
function causeText(error: unknown): string {
  return errorText(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
