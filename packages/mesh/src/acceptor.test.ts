import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "./limits.ts";
import { eventually, LocalCluster } from "./testing/local-cluster.ts";
import { Stranger, wrongKeyring } from "./testing/stranger.ts";

let cluster: LocalCluster;
let stranger: Stranger;
beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(1);
  stranger = new Stranger(cluster.servers[0]?.url ?? "", cluster.keyring);
});
afterEach(async () => {
  stranger.close();
  await cluster.close();
});

describe("an upgrade that is refused", { timeout: 30_000 }, () => {
  it("holds no connection, though the peer never closes its side", async () => {
    const server = await cluster.server(1);
    for (let attempt = 0; attempt < 2 * limits.refusalsPerAddress.burst; attempt += 1)
      stranger.keepOpen({ origin: "https://example.org" });
    await eventually("all are refused", () => server.mesh.status().refused.origin_header === 40);
    await eventually("no connection is left", () => cluster.sockets(1).size === 0);
    expect(server.mesh.status().members).toHaveLength(1);
  });
});

describe("an address", { timeout: 30_000 }, () => {
  it("is not blocked for peers that hang up or refuse the server, twice as often as wrong guesses would be", async () => {
    const server = await cluster.server(1);
    for (let attempt = 0; attempt < limits.refusalsPerAddress.burst; attempt += 1) {
      (await stranger.raw())?.destroy();
      // Its own check of the server's proof fails first, as that of an agent does which has waited for too long.
      expect(await stranger.link({ trust: { keyring: wrongKeyring(), tls: null } })).toBeNull();
    }
    expect(await stranger.link()).not.toBeNull();
    expect(Object.keys(server.mesh.status().refused)).toEqual(["refused_by_peer"]);
  });
});
