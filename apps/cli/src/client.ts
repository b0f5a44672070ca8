import {
  type ConnectionFault,
  connectionFault,
  type HttpAnswer,
  type HttpClient,
  type HttpQuestion,
  readBody,
} from "@ringrift/http-client";
import { RingRiftError, type StatusDocument, statusDocumentSchema } from "@ringrift/protocol";

/** What a verb needs to ask a server. */
export interface ClientOptions {
  /** Base address, e.g. `http://127.0.0.1:8790`. */
  readonly server: string;
  readonly http: HttpClient;
  readonly timeoutMs: number;
  /** Sent as bearer token, for calls that need one. */
  readonly token?: string | null;
}

type Question = Omit<HttpQuestion, "signal">;

const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * GETs JSON from a server or agent.
 * @throws RingRiftError `SERVER_UNREACHABLE`, `SERVER_DENIED`, `NOT_FOUND` or `SERVER_ANSWER_BAD`, naming the address.
 */
export async function getJson(path: string, options: ClientOptions): Promise<unknown> {
  return await askJson(path, options, { method: "GET" }, (status) => isGood(status) || status === 503);
}

/**
 * POSTs to a server or agent, and gives its JSON answer.
 * @throws RingRiftError as {@link getJson}, and `REFUSED` with the server's reason.
 */
export async function postJson(path: string, options: ClientOptions, body?: object): Promise<unknown> {
  const question =
    body === undefined
      ? ({ method: "POST" } as const)
      : ({
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        } as const);
  return await askJson(path, options, question, isGood);
}

async function askJson(
  path: string,
  options: ClientOptions,
  question: Question,
  isAnswer: (status: number) => boolean,
): Promise<unknown> {
  const url = new URL(path, options.server);
  const answer = await ask(url, options, question, AbortSignal.timeout(options.timeoutMs));
  const text = await textOf(url, options, answer);
  if (!isAnswer(answer.status)) throw refusal(url, answer.status, text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RingRiftError(`${url.href} did not answer JSON.`, {
      code: "SERVER_ANSWER_BAD",
      nextStep: "Check that --server names a RingRift health-server or node-agent.",
      cause,
    });
  }
}

async function textOf(url: URL, options: ClientOptions, answer: HttpAnswer): Promise<string> {
  try {
    return await readBody(answer, maxAnswerBytes);
  } catch (error) {
    if (error instanceof RingRiftError)
      throw new RingRiftError(`${url.href}: ${error.message}`, { code: "SERVER_ANSWER_BAD", cause: error });
    throw unreachable(url, options, error);
  }
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/**
 * Opens a stream of server-sent events after `lastId`; only the connection is timed, not the stream.
 * @throws RingRiftError as {@link getJson}.
 */
export async function openStream(
  path: string,
  options: ClientOptions,
  lastId: string | null,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const url = new URL(path, options.server);
  const connecting = new AbortController();
  const timer = setTimeout(
    () => connecting.abort(new DOMException("no answer", "TimeoutError")),
    options.timeoutMs,
  );
  const headers = { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) };
  try {
    const question = { method: "GET", headers } as const;
    const answer = await ask(url, options, question, AbortSignal.any([signal, connecting.signal]));
    if (!isGood(answer.status)) throw refusal(url, answer.status, await textOf(url, options, answer));
    if (!answer.headers["content-type"]?.startsWith("text/event-stream")) {
      connecting.abort();
      throw new RingRiftError(`${url.href} did not answer with a stream of events.`, {
        code: "SERVER_ANSWER_BAD",
        nextStep: "Check that --server names a RingRift health-server or node-agent of this version.",
      });
    }
    return answer.body;
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  url: URL,
  options: ClientOptions,
  question: Question,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { http, token = null } = options;
  const headers = { ...question.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  try {
    return await http.ask(url, { ...question, headers, signal });
  } catch (cause) {
    throw unreachable(url, options, cause);
  }
}

function unreachable(url: URL, { timeoutMs }: ClientOptions, cause: unknown): RingRiftError {
  const { fault, reason } = connectionFault(cause);
  const why = fault === "timeout" ? `nothing within ${timeoutMs / 1000} s` : reason;
  const nextStep =
    fault === "hung_up" ? (hungUp[url.protocol] ?? elsewhere) : (nextSteps[fault] ?? elsewhere);
  return new RingRiftError(`No answer from ${url.origin}: ${why}.`, {
    code: "SERVER_UNREACHABLE",
    nextStep,
    cause,
  });
}

const elsewhere = "Check that the server runs and that --server names its address.";
const nextSteps: Partial<Readonly<Record<ConnectionFault, string>>> = {
  untrusted:
    "Name the authority that signs the servers' certificates: --mesh-tls-ca-file FILE or RINGRIFT_MESH_TLS_CA_FILE.",
  expired:
    "Renew the certificate of that server and send it SIGHUP; `ringrift leader` shows when one expires.",
  not_yet_valid: "Check the clocks of this host and of that server.",
  wrong_name:
    "Use an address that the certificate names, or add this one to it as DNS or IP among its alternative names.",
  certificate_refused:
    "Show one of the authority that it trusts: --mesh-tls-cert-file and --mesh-tls-key-file, or RINGRIFT_MESH_TLS_CERT_FILE and RINGRIFT_MESH_TLS_KEY_FILE.",
  no_tls: "Use http:// for this server, or give it a certificate.",
};
const hungUp: Readonly<Record<string, string>> = {
  "http:": "A server with mutual TLS takes HTTPS alone: try https:// in --server.",
};

function refusal(url: URL, status: number, body: string): RingRiftError {
  if (status === 401 || status === 403)
    return new RingRiftError(`${url.href} refused the call (HTTP ${status}).`, {
      code: "SERVER_DENIED",
      nextStep: "The call needs the API token of that server; give its file with --token-file.",
    });
  const detail = problemDetail(body);
  if (status === 404)
    return new RingRiftError(detail ?? `${url.href} does not exist.`, { code: "NOT_FOUND" });
  if (detail !== null) return new RingRiftError(detail, { code: "REFUSED" });
  return new RingRiftError(`${url.href} answered HTTP ${status}.`, {
    code: "SERVER_ANSWER_BAD",
    nextStep: "The server's log says why.",
  });
}

/** The status document, checked against its schema. @throws as {@link getJson}. */
export async function getStatus(options: ClientOptions): Promise<StatusDocument> {
  const parsed = statusDocumentSchema.safeParse(await getJson("/status", options));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RingRiftError(
    `${options.server}/status has an unexpected field ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}.`,
    { code: "SERVER_ANSWER_BAD", nextStep: "Use the ringrift command of the server's version." },
  );
}

/** What a server says of its refusal; null where it says nothing. */
function problemDetail(body: string): string | null {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem === "object" && problem !== null && "detail" in problem) return String(problem.detail);
  } catch {
    // Not a problem document: the status says enough.
  }
  return null;
}
