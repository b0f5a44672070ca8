import { join } from "node:path";
import { createMesh, parseServers } from "@ringrift/mesh";

// Real mesh agents, many in one process. Prints "ready" whenever all have a link to every server again, "lost" once one has not.
interface Load {
  readonly servers: string;
  readonly agents: number;
  readonly directory: string;
}
const { servers, agents, directory } = JSON.parse(process.argv[2] ?? "{}") as Load;
const addresses = parseServers(servers);
const wanted = agents * addresses.length;
let open = 0;
let whole = false;
// Counted from what each agent logs: asking a thousand for their links again and again would be most of the load.
function noteLink(change: 1 | -1): void {
  open += change;
  if (whole === (open === wanted)) return;
  whole = open === wanted;
  console.log(whole ? "ready" : "lost");
}
for (let index = 0; index < agents; index += 1) {
  const nodeId = `gpu-${index}`;
  const mesh = createMesh({
    clusterId: "ringrift",
    nodeId,
    role: "agent",
    version: "bench",
    servers: addresses,
    self: null,
    dataDir: join(directory, nodeId),
    keyring: null,
    heartbeatIntervalMs: 1_000,
    log: (_level, message) => {
      if (message === "a link is open") noteLink(1);
      if (message === "a link has ended") noteLink(-1);
    },
  });
  await mesh.start();
}
