import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentKey, parseKeyring } from "./keyring.ts";
import { type KnockOptions, knock } from "./knock.ts";
import type { ServerAddress } from "./servers.ts";
import { eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";
import { wrongKeyring } from "./testing/stranger.ts";

let cluster: LocalCluster;
let server: LocalNode;

beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(1);
  server = await cluster.server(1);
});
afterEach(() => cluster.close());

const ask = (changes: Partial<KnockOptions> = {}, to?: ServerAddress): ReturnType<typeof knock> =>
  knock(to ?? cluster.servers[0] ?? { voter: "", url: "" }, {
    clusterId: "test",
    nodeId: "gpu-7",
    version: "1.2.3",
    heartbeatIntervalMs: 200,
    trust: { keyring: cluster.keyring, tls: null },
    ...changes,
  });

/** What the server says of whom it refused last. */
async function refusedAs(reason: string): Promise<void> {
  await eventually(
    `the server refuses for ${reason}`,
    () => server.mesh.status().refusedPeers[0]?.reason === reason,
  );
  expect(server.mesh.status().refusedPeers[0]).toMatchObject({ nodeId: "gpu-7" });
}

describe("an agent that only asks", { timeout: 30_000 }, () => {
  it("learns that it would be let in, and is neither a member nor refused", async () => {
    expect(await ask()).toEqual({ kind: "welcome", nodeId: "server-1", version: "1.2.3" });
    const own = cluster.keyring.keys.map((key) => agentKey(key, "gpu-7"));
    expect(await ask({ trust: { keyring: { keys: own }, tls: null } })).toMatchObject({ kind: "welcome" });
    // A member that came after both is listed, so that what they left would be too.
    await cluster.agent(1);
    const ids = (): string[] => server.mesh.status().members.map(({ id }) => id);
    await eventually("the agent is listed", () => ids().includes("agent-1"));
    expect(ids().toSorted()).toEqual(["agent-1", "server-1"]);
    expect(server.mesh.status()).toMatchObject({ refused: {}, refusedPeers: [] });
  });

  it("sees by the server's proof that their keys differ", async () => {
    const trust = { keyring: wrongKeyring(), tls: null };
    expect(await ask({ trust })).toEqual({ kind: "refused", reason: "key", error: null });
  });

  it("is refused without a reason for another cluster or an unknown key, which the server tells of", async () => {
    const refused = { kind: "refused", reason: "refused_by_peer", error: null };
    expect(await ask({ clusterId: "other" })).toEqual(refused);
    await refusedAs("cluster");
    const keyring = parseKeyring(`k9:${"A".repeat(43)}=`, "of another name");
    expect(await ask({ trust: { keyring, tls: null } })).toEqual(refused);
    await refusedAs("key");
  });

  it("may not show the key of another agent", () => {
    const keys = cluster.keyring.keys.map((key) => agentKey(key, "gpu-8"));
    expect(() => ask({ trust: { keyring: { keys }, tls: null } })).toThrow(/belongs to one agent/);
  });
});

it("tells a port that nobody listens on from a program that takes no WebSocket", async () => {
  const other = createServer();
  other.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
  await once(other.listen(0, "127.0.0.1"), "listening");
  const url = `ws://127.0.0.1:${(other.address() as AddressInfo).port}/mesh`;
  expect(await ask({}, { voter: "v1", url })).toEqual({ kind: "no_upgrade", status: 404 });
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
  expect(await ask({}, { voter: "v1", url })).toMatchObject({
    kind: "unreachable",
    error: { code: "ECONNREFUSED" },
  });
});
