import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "./limits.ts";
import { eventually, LocalCluster } from "./testing/local-cluster.ts";
import { Stranger } from "./testing/stranger.ts";

describe("an upgrade that is refused", { timeout: 30_000 }, () => {
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

  it("holds no connection, though the peer never closes its side", async () => {
    const server = await cluster.server(1);
    for (let attempt = 0; attempt < 2 * limits.refusalsPerAddress.burst; attempt += 1)
      stranger.keepOpen({ origin: "https://example.org" });
    await eventually("all are refused", () => server.mesh.status().refused.origin_header === 40);
    await eventually("no connection is left", () => cluster.sockets(1).size === 0);
    expect(server.mesh.status().members).toHaveLength(1);
  });
});
