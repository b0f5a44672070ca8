import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ProbeTarget } from "../definition/definition.ts";
import { type ProbeOutcome, probeHealth } from "./health-probe.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const probe = (target: ProbeTarget, timeoutMs = 5000): Promise<ProbeOutcome> =>
  probeHealth(
    { target, intervalMs: 1, timeoutMs },
    { cwd: null, env: { ANSWER: "42" }, baseEnv: process.env, service: null },
    new AbortController().signal,
  );

describe("an http check", () => {
  it("passes on 2xx and on nothing else", async () => {
    const port = await listen(
      createHttpServer((request, response) => {
        response.writeHead(Number(request.url?.slice(1)), { location: "/200" }).end("x".repeat(100_000));
      }),
    );
    const url = `http://127.0.0.1:${port}`;
    expect(await probe({ kind: "http", url: `${url}/204` })).toEqual({
      ok: true,
      reason: `${url}/204 answered 204`,
    });
    for (const status of [302, 404, 503]) {
      expect(await probe({ kind: "http", url: `${url}/${status}` })).toMatchObject({ ok: false });
    }
  });

  it("fails when nobody answers in time or listens", async () => {
    const sockets: { destroy(): void }[] = [];
    const silent = await listen(createServer((socket) => sockets.push(socket)));
    const url = `http://127.0.0.1:${silent}/`;
    expect(await probe({ kind: "http", url }, 50)).toEqual({
      ok: false,
      reason: `${url} gave no answer in 0.05 s`,
    });
    for (const socket of sockets) socket.destroy();
    expect((await probe({ kind: "http", url: "http://127.0.0.1:1/" })).reason).toContain(
      "http://127.0.0.1:1/: ",
    );
  });
});

describe("a tcp check", () => {
  it("passes when the port accepts and fails when it refuses", async () => {
    const port = await listen(createServer((socket) => socket.destroy()));
    expect(await probe({ kind: "tcp", host: "127.0.0.1", port })).toMatchObject({ ok: true });
    const refused = await probe({ kind: "tcp", host: "127.0.0.1", port: 1 });
    expect(refused.ok).toBe(false);
    expect(refused.reason).toContain("ECONNREFUSED");
  });
});

describe("an exec check", () => {
  const exec = (script: string): ProbeTarget => ({ kind: "exec", argv: ["/bin/sh", "-c", script] });

  it("passes on exit code 0 and sees the daemon's environment", async () => {
    expect(await probe(exec('test "$ANSWER" = 42'))).toMatchObject({ ok: true });
    expect(await probe(exec("echo bad >&2; exit 2"))).toEqual({
      ok: false,
      reason: "/bin/sh exited with code 2: bad",
    });
  });

  it("fails for a missing program and for a signal", async () => {
    expect(await probe({ kind: "exec", argv: ["no-such-program-here"] })).toMatchObject({ ok: false });
    expect(await probe(exec("kill -9 $$"))).toEqual({ ok: false, reason: "/bin/sh was killed by SIGKILL" });
  });
});
