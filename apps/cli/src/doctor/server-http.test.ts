import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpClient } from "@ringrift/http-client";
import { afterEach, expect, it } from "vitest";
import { ServerPages } from "./server-http.ts";

let server: Server;
const http = new HttpClient();
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A server whose clock is that much ahead of this one's. */
async function serverAhead(seconds: number): Promise<ServerPages> {
  server = createServer((_request, response) => {
    response.setHeader("date", new Date(Date.now() + seconds * 1000).toUTCString());
    response.end("ok\n");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return new ServerPages({ voter: "a", url: `ws://127.0.0.1:${port}/mesh` }, http, 5_000);
}

it.each([0, 4.3, -2.6])(
  "finds how far a clock is that is %d s ahead, from answers in whole seconds",
  async (ahead) => {
    const clock = await (await serverAhead(ahead)).clock("server-1");
    if (clock === null) throw new Error("no clock");
    expect(Math.abs(clock.offsetSeconds + ahead)).toBeLessThanOrEqual(clock.uncertaintySeconds + 0.001);
    expect(clock.uncertaintySeconds).toBeLessThan(0.5);
  },
);

it("knows no clock of a server that does not tell the time", async () => {
  const pages = await serverAhead(0);
  server.removeAllListeners("request");
  server.on("request", (_request, response) => {
    response.sendDate = false;
    response.end("ok\n");
  });
  expect(await pages.clock("server-1")).toBeNull();
  expect(await pages.memberOf("gpu-7")).toBeNull();
  expect(await pages.refusalOf("gpu-7")).toBeNull();
});
