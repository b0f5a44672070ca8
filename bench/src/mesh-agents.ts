import { join } from "node:path";
import { createMesh, type Mesh, parseServers } from "@ringrift/mesh";

// Real mesh agents, many in one process. Prints "ready" whenever all have a link to every server again, "lost" once one has not.
interface Load {
  readonly servers: string;
  readonly agents: number;
  readonly directory: string;
}
const { servers, agents, directory } = JSON.parse(process.argv[2] ?? "{}") as Load;
const addresses = parseServers(servers);
const meshes: Mesh[] = [];
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
    log: () => undefined,
  });
  meshes.push(mesh);
  await mesh.start();
}
let whole = false;
setInterval(() => {
  const now = meshes.every((mesh) => mesh.status().links.length === addresses.length);
  if (now !== whole) console.log(now ? "ready" : "lost");
  whole = now;
}, 20);
