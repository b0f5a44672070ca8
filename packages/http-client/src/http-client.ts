import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { Agent as HttpsAgent, request as requestTls } from "node:https";
import type { ClientTls } from "./client-tls.ts";
import { HttpClientError } from "./http-client-error.ts";

export interface HttpQuestion {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the question and the reading of its answer. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to its end or aborted: an answer that nobody reads holds its connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Asks over HTTP and HTTPS with connections that are kept. `fetch` can neither trust an authority of its own nor show a
 * certificate. Redirects are answers like others: whoever follows one may be led anywhere.
 */
export class HttpClient {
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure: HttpsAgent;

  constructor(tls: ClientTls = { ca: null, own: null }) {
    this.#secure = new HttpsAgent({
      keepAlive: true,
      minVersion: "TLSv1.2",
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...tls.own,
    });
  }

  /** @throws the signal's reason when it aborts, else what the connection threw: see `connectionFault` */
  ask(url: URL, { method, headers = {}, body, signal }: HttpQuestion): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers }, signal };
      const answered = (answer: IncomingMessage): void => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      };
      const asked =
        url.protocol === "https:"
          ? requestTls(url, { ...options, agent: this.#secure }, answered)
          : request(url, { ...options, agent: this.#plain }, answered);
      asked.on("error", (error) => reject(signal.aborted ? signal.reason : error));
      asked.end(body);
    });
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

/** The answer's whole text. @throws HttpClientError `ANSWER_TOO_LONG` beyond `maxBytes`, and what the connection threw */
export async function readBody({ body }: HttpAnswer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes)
      throw new HttpClientError(`The answer is longer than ${maxBytes} bytes.`, { code: "ANSWER_TOO_LONG" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
