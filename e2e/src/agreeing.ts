import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./cluster.ts";
import { type Program, startCommand, waitFor } from "./program.ts";

/** What a server says of what was agreed. */
interface Agreed {
  readonly value: string;
  readonly stamp: string;
  readonly confirmed: boolean;
}

/** What became of a proposal. */
type Outcome =
  | ({ readonly ok: true } & Agreed)
  | { readonly ok: false; readonly code: string; readonly message: string; readonly nextStep: string | null };

/** One process of `agreeing-server.ts`. */
export interface AgreeingServer {
  readonly id: string;
  readonly dataDir: string;
  program: Program;
  start(): void;
  propose(word: string): Promise<Outcome>;
  /** @throws when it does not answer */
  status(): Promise<{
    readonly leaderId: string | null;
    readonly epoch: string;
    readonly agreed: Agreed;
    readonly dropped: Readonly<Record<string, number>>;
    readonly refused: Readonly<Record<string, number>>;
  }>;
}

export interface Agreeing {
  readonly servers: readonly AgreeingServer[];
  /** The addresses, as the servers have them. */
  readonly list: string;
  /** Waits until all of these servers name one of them as leader. */
  leader(among?: readonly AgreeingServer[]): Promise<AgreeingServer>;
  /** Waits until all of these servers confirm the same value, and it is as wanted. */
  settled(wanted: (value: string) => boolean, among?: readonly AgreeingServer[]): Promise<Agreed>;
  stop(): Promise<void>;
}

/** @param endpointsOf the etcd of each server, by index; without it they vote over the mesh */
export async function startAgreeing(
  count: number,
  endpointsOf: ((index: number) => readonly string[]) | null = null,
): Promise<Agreeing> {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-agreeing-"));
  const urls: string[] = [];
  for (let index = 0; index < count; index += 1) urls.push(`ws://127.0.0.1:${await freePort()}/mesh`);
  const list = urls.map((url, index) => `s${index + 1}=${url}`).join(",");
  const servers = urls.map((url, index): AgreeingServer => {
    const self = `s${index + 1}`;
    const http = url.replace("ws:", "http:").replace("/mesh", "");
    const dataDir = join(directory, self);
    const options = { self, dataDir, servers: list, endpoints: endpointsOf?.(index) ?? null };
    const file = fileURLToPath(new URL("agreeing-server.ts", import.meta.url));
    const run = (): Program => startCommand(process.execPath, [file, JSON.stringify(options)], {});
    const server: AgreeingServer = {
      id: self,
      dataDir,
      program: run(),
      start: () => {
        server.program = run();
      },
      propose: async (word) => {
        const answer = await fetch(`${http}/propose`, { method: "POST", body: word });
        return { ok: answer.ok, ...((await answer.json()) as object) } as Outcome;
      },
      status: async () =>
        (await (await fetch(`${http}/status`, { signal: AbortSignal.timeout(2_000) })).json()) as Awaited<
          ReturnType<AgreeingServer["status"]>
        >,
    };
    return server;
  });
  const seen = async (
    what: string,
    look: () => Promise<AgreeingServer | Agreed | null>,
    of: readonly AgreeingServer[],
  ) =>
    await waitFor(what, look, 30_000, () =>
      of.map(({ id, program }) => `${id}: ${program.output().slice(-1_500)}`).join("\n"),
    );
  return {
    servers,
    list,
    leader: (among = servers) =>
      seen(
        "one leader",
        async () => {
          const named = new Set(
            (await Promise.all(among.map((server) => server.status()))).map(({ leaderId }) => leaderId),
          );
          const [id] = named;
          return named.size === 1 ? (among.find((server) => server.id === id) ?? null) : null;
        },
        among,
      ) as Promise<AgreeingServer>,
    settled: (wanted, among = servers) =>
      seen(
        "one confirmed value",
        async () => {
          const [first, ...others] = (await Promise.all(among.map((server) => server.status()))).map(
            ({ agreed }) => agreed,
          );
          if (first === undefined || !first.confirmed || !wanted(first.value)) return null;
          const same = others.every(({ confirmed, stamp }) => confirmed && stamp === first.stamp);
          return same ? first : null;
        },
        among,
      ) as Promise<Agreed>,
    stop: async () => {
      await Promise.all(servers.map(({ program }) => program.kill("SIGKILL")));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
