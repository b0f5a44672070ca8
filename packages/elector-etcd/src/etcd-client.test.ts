import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { EtcdClient } from "./etcd-client.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function endpoint(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const never = new AbortController().signal;
const client = (...endpoints: string[]): EtcdClient =>
  new EtcdClient({ endpoints, timeoutMs: 150, now: () => performance.now() });
const good = (): Promise<string> => endpoint((_, response) => response.end('{"good":true}\n'));
const refusing = "http://127.0.0.1:1";

describe("a question to etcd", () => {
  it.each([
    ["refuses connections", async () => refusing],
    ["is silent", () => endpoint(() => undefined)],
    ["answers 503", () => endpoint((_, response) => response.writeHead(503).end("no leader"))],
    ["resets", () => endpoint((request) => request.socket.destroy())],
    ["answers without end", () => endpoint((_, response) => void response.write("x".repeat(70_000)))],
    ["redirects", () => endpoint((_, response) => response.writeHead(302, { location: "/" }).end())],
  ])("goes to the next endpoint when one %s, and stays there", async (_, bad) => {
    const next = await good();
    const asking = client(await bad(), next);
    expect((await asking.post("/v3/kv/txn", {}, never)).body).toEqual({ good: true });
    expect(asking.endpoint).toBe(next);
  });

  it("is answered as of when it left for the endpoint that answered", async () => {
    const asking = client(await endpoint(() => undefined), await good());
    const before = performance.now();
    const { sentAt } = await asking.post("/v3/kv/txn", {}, never);
    expect(sentAt).toBeGreaterThanOrEqual(before + 140);
    expect(sentAt).toBeLessThanOrEqual(performance.now());
  });

  it("says which endpoints there are when none answers, and what the last one said", async () => {
    const tired = await endpoint((_, response) => response.writeHead(503).end("etcdserver: no leader"));
    await expect(client(refusing, tired).post("/v3/kv/txn", {}, never)).rejects.toMatchObject({
      code: "ETCD_UNREACHABLE",
      message: expect.stringContaining("answered 503: etcdserver: no leader"),
      nextStep: expect.stringContaining(`${refusing}, ${tired}`),
    });
  });

  it("is not repeated elsewhere when etcd understood and refused it", async () => {
    let asked = 0;
    const second = await endpoint((_, response) => {
      asked += 1;
      response.end("{}");
    });
    const first = await endpoint((_, response) => response.writeHead(404).end("lease not found"));
    await expect(client(first, second).post("/v3/lease/revoke", {}, never)).rejects.toMatchObject({
      code: "ETCD_REFUSED",
    });
    expect(asked).toBe(0);
  });
});

describe("a stream of etcd", () => {
  it("is read line by line, however it was cut, and moves on to the next endpoint when it ends", async () => {
    const next = await good();
    const first = await endpoint((_, response) => {
      response.write('{"a":"€');
      setImmediate(() => response.end('"}\n\n{"b":2}\n{"c":3}'));
    });
    const asking = client(first, next);
    const lines: unknown[] = [];
    await asking.stream("/v3/watch", {}, never, (line) => lines.push(line));
    expect(lines).toEqual([{ a: "€" }, { b: 2 }, { c: 3 }]);
    expect(asking.endpoint).toBe(next);
  });
});
