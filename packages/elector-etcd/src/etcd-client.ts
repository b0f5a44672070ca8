import { type ConnectionFault, connectionFault, type HttpAnswer, HttpClient } from "@ringrift/http-client";
import { z } from "zod";
import { EtcdError } from "./elector-error.ts";
import type { EtcdAccess } from "./etcd-access.ts";
import { EtcdRefusal, isStaleToken, refusalOf } from "./etcd-refusal.ts";
import { readLines } from "./lines.ts";

/** Longest answer that is read; ours are a few hundred bytes, and as long as this when what was agreed is all escapes. */
const maxAnswerBytes = 320 * 1024;
/** etcd hashes passwords slowly on purpose. */
const authenticationMs = 3_000;

export interface Answer {
  readonly body: unknown;
  /** When the question left that was answered, on the caller's clock. */
  readonly sentAt: number;
  /** Endpoints that were asked before and did not answer; they may have done what was asked. */
  readonly unanswered: number;
}

export interface EtcdClientOptions {
  /** http(s) URLs, at least one. */
  readonly endpoints: readonly string[];
  readonly access: EtcdAccess;
  /** After this an endpoint is given up and the next is asked. */
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const tokenAnswer = z.object({ token: z.string().min(1).max(8_192) });

/** Speaks etcd's JSON gateway: one endpoint at a time, the next when one does not answer. */
export class EtcdClient {
  readonly #options: EtcdClientOptions;
  #access: EtcdAccess;
  #http: HttpClient;
  /** What shows who asks, from etcd itself; null before the first and when it is no longer good. */
  #token: Promise<string> | null = null;
  #current = 0;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#access = options.access;
    this.#http = new HttpClient(options.access.tls);
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#current] ?? "";
  }

  /** Asks with another user, certificate and authority from now on. */
  renew(access: EtcdAccess): void {
    this.#http.close();
    this.#access = access;
    this.#http = new HttpClient(access.tls);
    this.#token = null;
  }

  /**
   * Asks until one endpoint answers with 200.
   *
   * @throws EtcdError `ETCD_UNREACHABLE` when none did; when one refused, which others would too, as `refusalOf` says
   */
  async post(path: string, question: unknown, signal: AbortSignal): Promise<Answer> {
    const { endpoints } = this.#options;
    let why = "none";
    let fault: ConnectionFault = "other";
    for (let tried = 0; tried < endpoints.length && !signal.aborted; tried += 1) {
      const { endpoint } = this;
      try {
        const answer = await this.#answer(endpoint, path, question, signal);
        return { ...answer, unanswered: tried };
      } catch (error) {
        if (error instanceof EtcdRefusal) throw error;
        const described = connectionFault(error);
        fault = described.fault;
        why = `${endpoint}: ${described.reason}`;
      }
      this.next(endpoint);
    }
    throw new EtcdError(`No etcd endpoint answered; the last was ${why}.`, {
      code: "ETCD_UNREACHABLE",
      nextStep:
        nextSteps[fault] ?? `Check that etcd has a quorum and can be reached at ${endpoints.join(", ")}.`,
    });
  }

  /** @throws EtcdRefusal when this endpoint refused, and what else came in the way */
  async #answer(
    endpoint: string,
    path: string,
    question: unknown,
    signal: AbortSignal,
  ): Promise<Omit<Answer, "unanswered">> {
    const { timeoutMs, now } = this.#options;
    for (let isLast = false; ; isLast = true) {
      const token = await this.#takeToken(endpoint);
      const sentAt = now();
      const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await this.#ask(endpoint, path, question, token, limited);
      const text = await firstLine(answer);
      if (answer.status === 200) return { body: JSON.parse(text), sentAt };
      // Tokens end with time and with each change of users: another will do.
      if (token !== null && !isLast && isStaleToken(answer.status, text)) this.#token = null;
      else throw this.#refusal(endpoint, answer.status, text);
    }
  }

  /** A refusal, which other endpoints would repeat; an error of this endpoint otherwise. */
  #refusal(endpoint: string, status: number, text: string): Error {
    // The bodies of errors differ between versions of etcd; their status does not.
    if (status >= 400 && status < 500)
      return refusalOf(endpoint, status, text, this.#access.user?.name ?? null);
    return new EtcdError(`it answered ${status}: ${text.slice(0, 200)}`, { code: "ETCD_FAILED" });
  }

  /** Streams the answer's lines until either side ends it. @throws what the connection throws, and EtcdError when refused */
  async stream(
    path: string,
    question: unknown,
    signal: AbortSignal,
    onLine: (line: unknown) => void,
  ): Promise<void> {
    const { endpoint } = this;
    try {
      const token = await this.#takeToken(endpoint);
      const answer = await this.#ask(endpoint, path, question, token, signal);
      if (answer.status !== 200) throw this.#refusal(endpoint, answer.status, await firstLine(answer));
      await readLines(answer.body, maxAnswerBytes, (line) => onLine(JSON.parse(line)));
    } finally {
      this.next(endpoint);
    }
  }

  /** Leaves an endpoint that failed, unless another question did so already. */
  next(failed: string): void {
    if (this.endpoint === failed) this.#current = (this.#current + 1) % this.#options.endpoints.length;
  }

  close(): void {
    this.#http.close();
  }

  #ask(
    endpoint: string,
    path: string,
    question: unknown,
    token: string | null,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const headers = {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: token }),
    };
    return this.#http.ask(new URL(path, endpoint), {
      method: "POST",
      headers,
      body: JSON.stringify(question),
      signal,
    });
  }

  /** The token to ask with, null without a user; all questions at a time share one. */
  #takeToken(endpoint: string): Promise<string> | null {
    const { user } = this.#access;
    if (user === null) return null;
    if (this.#token !== null) return this.#token;
    const token = this.#authenticate(endpoint, user);
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = null;
    });
    return token;
  }

  async #authenticate(endpoint: string, user: { name: string; password: string }): Promise<string> {
    const signal = AbortSignal.timeout(authenticationMs);
    const answer = await this.#ask(endpoint, "/v3/auth/authenticate", user, null, signal);
    const text = await firstLine(answer);
    if (answer.status === 200) return tokenAnswer.parse(JSON.parse(text)).token;
    throw this.#refusal(endpoint, answer.status, text);
  }
}

const nextSteps: Partial<Readonly<Record<ConnectionFault, string>>> = {
  untrusted: "Name the authority that signs etcd's certificates with RINGRIFT_ETCD_CA_FILE.",
  expired: "Renew etcd's certificate, or that of its authority.",
  wrong_name: "Name etcd by an address that its certificate has in RINGRIFT_ETCD_ENDPOINTS.",
  certificate_refused:
    "Give a certificate that etcd trusts: RINGRIFT_ETCD_CERT_FILE and RINGRIFT_ETCD_KEY_FILE.",
  no_tls: "Use http:// in RINGRIFT_ETCD_ENDPOINTS, or turn TLS on in etcd.",
};

async function firstLine({ body }: HttpAnswer): Promise<string> {
  let first = "";
  await readLines(body, maxAnswerBytes, (line) => {
    if (first === "") first = line;
  });
  return first;
}
