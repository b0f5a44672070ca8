import { type HttpClient, readBody } from "@ringrift/http-client";
import type { RefusalReason, ServerAddress } from "@ringrift/mesh";
import type { ServerClock } from "@ringrift/protocol";
import { z } from "zod";

const maxAnswerBytes = 4 * 1024 * 1024;
/** The time of an answer is told in whole seconds: asked this often within one, it is known to a sixth of it. */
const clockAsks = 7;
const clockAskEveryMs = 160;

const leaderSchema = z.object({
  mesh: z.object({
    refusedPeers: z.array(
      z.object({ reason: z.string(), nodeId: z.string().nullable(), ageSeconds: z.number() }),
    ),
  }),
});
/** A member, as a server sees it. */
export interface KnownMember {
  readonly link: string;
  readonly state: string;
}
const nodeSchema = z.object({ node: z.object({ link: z.string(), state: z.string() }) });

/** A server's open pages, which need no place in the mesh. */
export class ServerPages {
  readonly #http: HttpClient;
  readonly #timeoutMs: number;
  readonly #base: string;

  constructor(server: ServerAddress, http: HttpClient, timeoutMs: number) {
    this.#http = http;
    this.#timeoutMs = timeoutMs;
    this.#base = server.url.replace(/^ws/, "http");
  }

  /** Why the server refused `nodeId` just now, by its own word; null where it does not tell. */
  async refusalOf(nodeId: string): Promise<RefusalReason | null> {
    const parsed = leaderSchema.safeParse(await this.#json("/v1/leader"));
    const newest = parsed.data?.mesh.refusedPeers.find(
      (peer) => peer.nodeId === nodeId && peer.ageSeconds < this.#timeoutMs / 1000 + 5,
    );
    return (newest?.reason as RefusalReason | undefined) ?? null;
  }

  /** The member of that name; null where the server knows none, or cannot be asked. */
  async memberOf(nodeId: string): Promise<KnownMember | null> {
    const parsed = nodeSchema.safeParse(await this.#json(`/v1/nodes/${encodeURIComponent(nodeId)}`));
    return parsed.data?.node ?? null;
  }

  /** How far this host's clock is from the server's; null where that cannot be told. */
  async clock(name: string): Promise<ServerClock | null> {
    let [earliest, latest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let asked = 0; asked < clockAsks; asked += 1) {
      if (asked > 0) await new Promise((resolve) => setTimeout(resolve, clockAskEveryMs));
      const before = Date.now() / 1000;
      const told = await this.#date();
      if (told === null) return null;
      // The server's clock showed between `told` and a second more when it answered.
      earliest = Math.max(earliest, before - told - 1);
      latest = Math.min(latest, Date.now() / 1000 - told);
    }
    // Set while it was asked.
    if (earliest > latest) return null;
    const [offsetSeconds, uncertaintySeconds] = [(earliest + latest) / 2, (latest - earliest) / 2];
    return { server: name, offsetSeconds, uncertaintySeconds, ageSeconds: 0 };
  }

  async #date(): Promise<number | null> {
    try {
      const answer = await this.#ask("/livez");
      await readBody(answer, maxAnswerBytes);
      const at = Date.parse(answer.headers.date ?? "") / 1000;
      return Number.isNaN(at) ? null : at;
    } catch {
      return null;
    }
  }

  async #json(path: string): Promise<unknown> {
    try {
      return JSON.parse(await readBody(await this.#ask(path), maxAnswerBytes));
    } catch {
      return null;
    }
  }

  #ask(path: string): ReturnType<HttpClient["ask"]> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    return this.#http.ask(new URL(path, this.#base), { method: "GET", signal });
  }
}
