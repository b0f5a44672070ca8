import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type Server as PlainServer } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type ClientTls, loadClientTls } from "./client-tls.ts";
import { connectionFault } from "./connection-fault.ts";
import { HttpClient, readBody } from "./http-client.ts";

const fixtures = fileURLToPath(new URL("../../mesh/fixtures/tls/", import.meta.url));
const file = (name: string): string => join(fixtures, `${name}.pem`);
const pem = (name: string): string => readFileSync(file(name), "utf8");
const pair = (name: string): { cert: string; key: string } => ({ cert: pem(name), key: pem(`${name}-key`) });
const authority = pem("authority");

const open: (Server | PlainServer)[] = [];
const clients: HttpClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of open.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listening(server: Server | PlainServer, scheme: "http" | "https"): Promise<URL> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const secure = (certificate: string, more: ServerOptions = {}): Promise<URL> =>
  listening(
    createServer({ ...pair(certificate), ...more }, (_question, answer) => answer.end("hello")),
    "https",
  );

async function ask(url: URL, tls?: Partial<ClientTls>): Promise<string> {
  const client = new HttpClient({ ca: null, own: null, ...tls });
  clients.push(client);
  const answer = await client.ask(url, { method: "GET", signal: AbortSignal.timeout(5_000) });
  return await readBody(answer, 1_000);
}

async function faultOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    (text) => new Error(`answered ${String(text)}`),
    (thrown: unknown) => thrown,
  );
  const { fault, reason } = connectionFault(error);
  return fault === "other" ? `other: ${reason}` : fault;
}

describe("a client over HTTPS", () => {
  it("reads the answer of a server whose authority it was given", async () => {
    expect(await ask(await secure("server-1"), { ca: authority })).toBe("hello");
  });

  it("shows its certificate to a server that asks for one", async () => {
    const url = await secure("server-1", { ca: authority, requestCert: true });
    expect(await ask(url, { ca: authority, own: pair("agent-1") })).toBe("hello");
  });

  it("says that the server takes no certificate or not the one that was shown", async () => {
    const url = await secure("server-1", { ca: authority, requestCert: true });
    expect(await faultOf(ask(url, { ca: authority }))).toMatch(/certificate_refused|hung_up/);
    expect(await faultOf(ask(url, { ca: authority, own: pair("foreign") }))).toMatch(
      /certificate_refused|hung_up/,
    );
  });

  it.each([
    ["untrusted", "server-1", null],
    ["untrusted", "foreign", authority],
    ["expired", "expired", authority],
    ["wrong_name", "elsewhere", authority],
  ])("finds the server %s that shows %s", async (fault, certificate, ca) => {
    expect(await faultOf(ask(await secure(certificate), { ca }))).toBe(fault);
  });
});

describe("a client tells apart", () => {
  const plain = (): Promise<URL> =>
    listening(
      createPlain((_question, answer) => answer.end("hello")),
      "http",
    );

  it("a port where nobody listens", async () => {
    const url = await plain();
    await new Promise((resolve) => open.splice(0)[0]?.close(resolve));
    expect(await faultOf(ask(url))).toBe("refused");
  });

  it("a server without TLS that is asked over HTTPS, and one with it that is asked over HTTP", async () => {
    const http = await plain();
    expect(await faultOf(ask(new URL(http.href.replace("http:", "https:"))))).toBe("no_tls");
    const https = await secure("server-1");
    expect(await faultOf(ask(new URL(https.href.replace("https:", "http:"))))).toBe("hung_up");
  });

  it("a server that says nothing in time", async () => {
    const silent = createTcp(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
    const client = new HttpClient();
    clients.push(client);
    const asked = client.ask(url, { method: "GET", signal: AbortSignal.timeout(50) });
    expect(await faultOf(asked)).toBe("timeout");
    silent.close();
  });

  it("a redirect, which it does not follow, and an answer beyond the bound, which it does not read", async () => {
    const url = await listening(
      createPlain((_question, answer) => {
        answer.writeHead(302, { location: "http://127.0.0.1:1/" });
        answer.end("x".repeat(1_001));
      }),
      "http",
    );
    const client = new HttpClient();
    clients.push(client);
    const answer = await client.ask(url, { method: "GET", signal: AbortSignal.timeout(5_000) });
    expect(answer.status).toBe(302);
    await expect(readBody(answer, 1_000)).rejects.toThrow(/longer than 1000 bytes/);
  });
});

describe("files of a client are refused, by name, when", () => {
  const none = { caFile: null, certFile: null, keyFile: null };

  it.each([
    [{ caFile: "/nowhere/ca.pem" }, /ca\.pem cannot be read/],
    [{ certFile: file("expired"), keyFile: file("expired-key") }, /expired\.pem has expired/],
    [{ certFile: file("agent-1"), keyFile: file("server-1-key") }, /server-1-key\.pem does not fit/],
    [{ certFile: file("agent-1") }, /agent-1\.pem is given without its key/],
    [{ keyFile: file("agent-1-key") }, /agent-1-key\.pem is given without its certificate/],
  ])("%j", (files, message) => {
    expect(() => loadClientTls({ ...none, ...files })).toThrow(message);
  });

  it("they hold no certificate", () => {
    const directory = mkdtempSync(join(tmpdir(), "ringrift-http-"));
    const caFile = join(directory, "ca.pem");
    writeFileSync(caFile, "hello");
    expect(() => loadClientTls({ ...none, caFile })).toThrow(/ca\.pem holds no certificate/);
    rmSync(directory, { recursive: true });
  });
});
