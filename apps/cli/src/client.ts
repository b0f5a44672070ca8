import { errorText, RingRiftError, type StatusDocument, statusDocumentSchema } from "@ringrift/protocol";

/** What a verb needs to ask a server. */
export interface ClientOptions {
  /** Base address, e.g. `http://127.0.0.1:8790`. */
  readonly server: string;
  readonly timeoutMs: number;
  /** Sent as bearer token, for calls that need one. */
  readonly token?: string | null;
}

const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * GETs JSON from a server or agent.
 * @throws RingRiftError `SERVER_UNREACHABLE`, `SERVER_DENIED`, `NOT_FOUND` or `SERVER_ANSWER_BAD`, naming the address.
 */
export async function getJson(path: string, options: ClientOptions): Promise<unknown> {
  const url = new URL(path, options.server);
  const response = await ask(url, options, {}, AbortSignal.timeout(options.timeoutMs));
  if (!response.ok && response.status !== 503) throw await refusal(url, response);
  return await jsonOf(url, response);
}

/**
 * POSTs to a server or agent, and gives its JSON answer.
 * @throws RingRiftError as {@link getJson}, and `REFUSED` with the server's reason.
 */
export async function postJson(path: string, options: ClientOptions): Promise<unknown> {
  const url = new URL(path, options.server);
  const response = await ask(url, options, { method: "POST" }, AbortSignal.timeout(options.timeoutMs));
  if (!response.ok) throw await refusal(url, response);
  return await jsonOf(url, response);
}

async function jsonOf(url: URL, response: Response): Promise<unknown> {
  const length = Number(response.headers.get("content-length") ?? 0);
  if (length > maxAnswerBytes)
    throw new RingRiftError(`${url.href} answered ${length} bytes, more than ${maxAnswerBytes}.`, {
      code: "SERVER_ANSWER_BAD",
    });
  try {
    return await response.json();
  } catch (cause) {
    throw new RingRiftError(`${url.href} did not answer JSON.`, {
      code: "SERVER_ANSWER_BAD",
      nextStep: "Check that --server names a RingRift health-server or node-agent.",
      cause,
    });
  }
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
): Promise<ReadableStream<Uint8Array>> {
  const url = new URL(path, options.server);
  const connecting = new AbortController();
  const timer = setTimeout(
    () => connecting.abort(new DOMException("no answer", "TimeoutError")),
    options.timeoutMs,
  );
  const headers = { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) };
  try {
    const response = await ask(url, options, { headers }, AbortSignal.any([signal, connecting.signal]));
    if (!response.ok) throw await refusal(url, response);
    if (response.body === null || !response.headers.get("content-type")?.startsWith("text/event-stream"))
      throw new RingRiftError(`${url.href} did not answer with a stream of events.`, {
        code: "SERVER_ANSWER_BAD",
        nextStep: "Check that --server names a RingRift health-server or node-agent of this version.",
      });
    return response.body;
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  url: URL,
  options: ClientOptions,
  request: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Response> {
  const { token = null } = options;
  const headers = { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  try {
    return await fetch(url, { ...request, headers, signal, redirect: "error" });
  } catch (cause) {
    throw new RingRiftError(`No answer from ${url.origin}: ${reasonOf(cause, options.timeoutMs)}.`, {
      code: "SERVER_UNREACHABLE",
      nextStep: "Check that the server runs and that --server names its address.",
      cause,
    });
  }
}

async function refusal(url: URL, response: Response): Promise<RingRiftError> {
  if (response.status === 401 || response.status === 403)
    return new RingRiftError(`${url.href} refused the call (HTTP ${response.status}).`, {
      code: "SERVER_DENIED",
      nextStep: "The call needs the API token of that server; give its file with --token-file.",
    });
  if (response.status === 404) return new RingRiftError(await problemDetail(response), { code: "NOT_FOUND" });
  if (response.status === 409 || response.status === 400)
    return new RingRiftError(await problemDetail(response), { code: "REFUSED" });
  return new RingRiftError(`${url.href} answered HTTP ${response.status}.`, {
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

function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError")
    return `nothing within ${timeoutMs / 1000} s`;
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED") return "connection refused";
  return errorText(cause ?? thrown);
}

async function problemDetail(response: Response): Promise<string> {
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "detail" in body) return String(body.detail);
  } catch {
    // Not a problem document: the plain sentence below says enough.
  }
  return `${response.url} does not exist.`;
}
