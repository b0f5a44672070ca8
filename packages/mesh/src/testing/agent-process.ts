import { createMesh } from "../create-mesh.ts";
import { parseKeyring } from "../keyring.ts";
import type { MeshOptions } from "../mesh.ts";

// An agent in a process of its own, so that a test can kill or stop it like any process. Options come as JSON.
const { key, ...options } = JSON.parse(process.argv[2] ?? "{}") as Omit<MeshOptions, "keyring" | "log"> & {
  readonly key: string;
};
await createMesh({ ...options, keyring: parseKeyring(key, "test"), log: () => undefined }).start();
