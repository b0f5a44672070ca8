import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpClient } from "@ringrift/http-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkPort } from "./agent-port.ts";

let server: Server;
let body: string;
const http = new HttpClient();
const host = "127.0.0.1";
const port = (): number => (server.address() as AddressInfo).port;
const look = (at: { host: string; port: number }): ReturnType<typeof checkPort> => checkPort(at, http, 5_000);

beforeEach(async () => {
  body = "hello";
  server = createServer((_request, response) => response.end(body));
  await once(server.listen(0, host), "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe("the agent's port", () => {
  it("is free, and free again after the look", async () => {
    const free = port();
    await new Promise((resolve) => server.close(resolve));
    for (let looks = 0; looks < 2; looks += 1)
      expect(await look({ host, port: free })).toMatchObject({ finding: { state: "ok" }, agentId: null });
    expect((await look({ host, port: 0 })).finding.text).toBe("any free one");
  });

  it("may be taken by the agent itself, and by nobody else", async () => {
    expect(await look({ host, port: port() })).toMatchObject({
      finding: { state: "failed", text: expect.stringContaining("in use by another program") },
      agentId: null,
    });
    body = JSON.stringify({ node: { id: "gpu-7", role: "agent" } });
    expect(await look({ host, port: port() })).toMatchObject({ finding: { state: "ok" }, agentId: "gpu-7" });
  });

  it("must be of an address of this host", async () => {
    const { finding } = await look({ host: "192.0.2.1", port: 8791 });
    expect(finding).toMatchObject({
      state: "failed",
      nextStep: expect.stringContaining("RINGRIFT_AGENT_HOST"),
    });
  });
});
