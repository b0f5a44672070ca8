import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StatusDocument } from "@ringrift/protocol";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort } from "./cluster.ts";
import { killLeftovers, startProgram, waitFor } from "./program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-joining-"));
afterEach(killLeftovers);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function keyFile(name: string): string {
  const path = join(directory, name);
  writeFileSync(path, `k1:${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  return path;
}

describe("joining a server on every address", { timeout: 60_000 }, () => {
  it("takes the key of the cluster, by whatever name the server is reached; another key changes nothing", async () => {
    const port = await freePort();
    const key = keyFile("right.keys");
    startProgram("health-server", [], {
      RINGRIFT_HEALTH_SERVER_HOST: "0.0.0.0",
      RINGRIFT_HEALTH_SERVER_PORT: String(port),
      RINGRIFT_MESH_KEY_FILE: key,
      RINGRIFT_DATA_DIR: join(directory, "server"),
    });
    const agent = async (nodeId: string, meshKey: string): Promise<void> => {
      startProgram("node-agent", [], {
        RINGRIFT_NODE_ID: nodeId,
        RINGRIFT_AGENT_PORT: String(await freePort()),
        RINGRIFT_SERVERS: `ws://localhost:${port}/mesh`,
        RINGRIFT_MESH_KEY_FILE: meshKey,
        RINGRIFT_DATA_DIR: join(directory, nodeId),
      });
    };
    await agent("stranger", keyFile("wrong.keys"));
    await agent("friend", key);
    const status = async (): Promise<StatusDocument> =>
      (await fetch(`http://127.0.0.1:${port}/status`)).json() as Promise<StatusDocument>;
    const refused = async (): Promise<boolean> =>
      /^ringrift_mesh_refused_total\{reason="[a-z_]+"\} [1-9]/m.test(
        await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      );
    await waitFor("the friend to be alive and the stranger to be refused", async () => {
      const friend = (await status()).nodes.find((node) => node.id === "friend");
      return friend?.link === "alive" && (await refused()) ? true : null;
    });
    expect((await status()).nodes.map((node) => node.id)).not.toContain("stranger");
  });
});
