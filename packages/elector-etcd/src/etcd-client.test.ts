import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type EtcdAccess, openAccess } from "./etcd-access.ts";
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
  new EtcdClient({ endpoints, access: openAccess, timeoutMs: 150, now: () => performance.now() });
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

describe("a user of etcd", () => {
  const user = { name: "ringrift", password: "right" };
  const keyed = (url: string, access: EtcdAccess = { ...openAccess, user }): EtcdClient =>
    new EtcdClient({ endpoints: [url], access, timeoutMs: 500, now: () => performance.now() });

  /** Gives each authentication another token, and takes the newest alone. */
  async function guarded(): Promise<{ readonly url: string; readonly asked: string[]; forget(): void }> {
    const asked: string[] = [];
    let tokens = 0;
    const url = await endpoint((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? "-"}`);
      if (request.url === "/v3/auth/authenticate") {
        tokens += 1;
        response.end(`{"token":"t${tokens}"}`);
      } else if (request.headers.authorization === `t${tokens}`) response.end('{"good":true}');
      else response.writeHead(401).end('{"error":"etcdserver: invalid auth token","code":16}');
    });
    return {
      url,
      asked,
      forget: () => {
        tokens += 1;
      },
    };
  }

  it("asks for one token, shows it with each question, and asks for another when it is no longer good", async () => {
    const etcd = await guarded();
    const asking = keyed(etcd.url);
    await Promise.all([asking.post("/a", {}, never), asking.post("/b", {}, never)]);
    expect(etcd.asked).toEqual(["/v3/auth/authenticate -", "/a t1", "/b t1"]);
    etcd.asked.length = 0;
    etcd.forget();
    expect((await asking.post("/c", {}, never)).body).toEqual({ good: true });
    expect(etcd.asked).toEqual(["/c t1", "/v3/auth/authenticate -", "/c t3"]);
  });

  it("asks as another once its access was renewed", async () => {
    const etcd = await guarded();
    const asking = keyed(etcd.url);
    await asking.post("/a", {}, never);
    asking.renew({ ...openAccess, user });
    await asking.post("/b", {}, never);
    expect(etcd.asked.at(-1)).toBe("/b t2");
  });

  it.each([
    [400, "etcdserver: authentication failed, invalid user ID or password", "ETCD_CREDENTIALS"],
    [400, "etcdserver: user name is empty", "ETCD_USER_NEEDED"],
    [400, "etcdserver: authentication is not enabled", "ETCD_WITHOUT_USERS"],
    [403, "etcdserver: permission denied", "ETCD_PERMISSION"],
    [400, "CommonName of client sending a request against gateway will be ignored", "ETCD_COMMON_NAME"],
  ])("is told what to do after %d %s", async (status, error, code) => {
    const url = await endpoint((_, response) => response.writeHead(status).end(JSON.stringify({ error })));
    await expect(keyed(url).post("/v3/kv/txn", {}, never)).rejects.toMatchObject({
      code,
      nextStep: expect.stringMatching(/etcdctl|RINGRIFT_ETCD/),
    });
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
