import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { createEtcdElector } from "@ringrift/elector-etcd";
import { createMesh, parseServers } from "@ringrift/mesh";
import { RingRiftError } from "@ringrift/protocol";

// A server of the mesh alone, in a process of its own: what it is told at /propose it proposes, and each proposal is a word that
// is added to what was agreed. Its options come as JSON.
const {
  self,
  dataDir,
  servers: list,
  endpoints,
} = JSON.parse(process.argv[2] ?? "{}") as {
  readonly self: string;
  readonly dataDir: string;
  /** As `parseServers` takes them. */
  readonly servers: string;
  /** Of an etcd; null to vote over the mesh. */
  readonly endpoints: readonly string[] | null;
};
const servers = parseServers(list);
const voters = servers.map(({ voter }) => voter);
const log = (level: string, message: string, fields?: unknown): void =>
  console.log(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
const own = { self, clusterId: "agreeing", dataDir, log };
const mesh = createMesh({
  ...own,
  nodeId: self,
  role: "server",
  version: "1",
  servers,
  keyring: null,
  heartbeatIntervalMs: 500,
  ...(endpoints === null ? {} : { elector: createEtcdElector({ ...own, voters, endpoints }) }),
  applyProposal: (value, word) => {
    if (word === "bad")
      throw new RingRiftError("That word is bad.", { code: "BAD_WORD", nextStep: "Say another." });
    return `${value}${word} `;
  },
});

async function answer({ url, method }: IncomingMessage, body: Promise<string>): Promise<object> {
  if (url === "/propose" && method === "POST") return await mesh.propose(await body);
  const { leaderId, epoch, agreed, dropped, refused } = mesh.status();
  return { leaderId, epoch, agreed, dropped, refused };
}

const http = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  answer(request, text(request)).then(
    (told) => response.end(JSON.stringify(told)),
    (error: unknown) => {
      const { code, message, nextStep } =
        error instanceof RingRiftError ? error : new RingRiftError(String(error), { code: "BUG" });
      response.writeHead(409).end(JSON.stringify({ code, message, nextStep }));
    },
  );
});
http.on("upgrade", (request, socket, head) => mesh.handleUpgrade(request, socket, head));
const { port } = new URL(servers.find(({ voter }) => voter === self)?.url ?? "");
http.listen(Number(port), "127.0.0.1");
await mesh.start();
process.on("SIGTERM", () => void mesh.stop().then(() => process.exit(0)));
