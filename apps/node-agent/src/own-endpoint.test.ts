import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { ownEndpoint } from "./own-endpoint.ts";

const local = { url: "ws://127.0.0.1:8790/mesh" };
// The way there is looked up, nothing is sent; the block is kept for documentation.
const elsewhere = { url: "ws://192.0.2.1:8790/mesh" };
const addresses = Object.values(networkInterfaces()).flatMap((list) =>
  (list ?? []).map((item) => item.address),
);

describe("where an agent is asked", () => {
  it("is where it listens", async () => {
    const options = { host: "192.0.2.7", port: 8791, servers: [elsewhere] };
    expect(await ownEndpoint(options)).toEqual({ host: "192.0.2.7", port: 8791 });
  });

  it("is the address that leads to a server, where it listens on all", async () => {
    for (const host of ["0.0.0.0", "::"]) {
      const endpoint = await ownEndpoint({ host, port: 8791, servers: [local] });
      expect(endpoint).toEqual({ host: "127.0.0.1", port: 8791 });
    }
    const outwards = await ownEndpoint({ host: "0.0.0.0", port: 8791, servers: [elsewhere] });
    // A machine without a network knows of no way there.
    if (outwards !== null) expect(addresses).toContain(outwards.host);
  });

  it("is loopback only where a server is on this host, and nowhere where no way is known", async () => {
    const options = { host: "localhost", port: 8791 };
    expect((await ownEndpoint({ ...options, servers: [local] }))?.host).toMatch(/^(?:127\.0\.0\.1|::1)$/);
    expect(await ownEndpoint({ ...options, servers: [elsewhere] })).toBeNull();
    expect(await ownEndpoint({ host: "0.0.0.0", port: 8791, servers: [] })).toBeNull();
  });
});
