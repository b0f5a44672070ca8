import { createServer } from "node:http";
import { createMesh } from "../create-mesh.ts";
import { parseKeyring } from "../keyring.ts";
import type { MeshOptions } from "../mesh.ts";

// A server or an agent in a process of its own, so that a test can kill or stop it like any process. Options come as JSON.
const { key, port, ...options } = JSON.parse(process.argv[2] ?? "{}") as Omit<
  MeshOptions,
  "keyring" | "log"
> & {
  readonly key: string;
  /** Where a server listens; null for an agent. */
  readonly port: number | null;
};
const mesh = createMesh({ ...options, keyring: parseKeyring(key, "test"), log: () => undefined });
if (port !== null) {
  const http = createServer((_request, response) => response.end());
  http.on("upgrade", (request, socket, head) => mesh.handleUpgrade(request, socket, head));
  http.listen(port, "127.0.0.1");
}
await mesh.start();
