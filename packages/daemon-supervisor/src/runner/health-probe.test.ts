import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { ProbeTarget } from "../definition/definition.ts";
import { readStat } from "../process/process-stat.ts";
import { ProcessTable } from "../process/process-table.ts";
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
    {
      daemon: { cwd: null, env: { ANSWER: "42" }, user: null, service: null },
      env: process.env,
      containment: { token: "check", table: new ProcessTable(), useCgroup: false },
    },
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
      reason: "check /bin/sh exited with code 2: bad",
    });
  });

  it.each([
    ["passed", "exit 0", { ok: true }],
    ["failed", "exit 1", { ok: false }],
    ["took too long", "exec sleep 1000", { ok: false, reason: expect.stringContaining("took longer") }],
  ])("that %s leaves nothing behind, not even in a session of its own", async (_, end, outcome) => {
    const folder = mkdtempSync(join(tmpdir(), "check-"));
    const escapee = `setsid sh -c "sleep 1000 > /dev/null 2>&1 & echo \\$! > ${folder}/pid" &`;
    const written = `while [ ! -s ${folder}/pid ]; do sleep 0.01; done`;
    // Long enough for the escapee to be there on a busy machine, where the check is to pass.
    const timeoutMs = end.startsWith("exec") ? 1_000 : 20_000;
    expect(await probe(exec(`${escapee} ${written}; ${end}`), timeoutMs)).toMatchObject(outcome);
    expect(readStat(Number(readFileSync(join(folder, "pid"), "utf8")))).toBeNull();
    rmSync(folder, { recursive: true });
  });

  it("fails for a missing program and for a signal", async () => {
    expect(await probe({ kind: "exec", argv: ["no-such-program-here"] })).toMatchObject({ ok: false });
    expect(await probe(exec("kill -9 $$"))).toEqual({
      ok: false,
      reason: "check /bin/sh was killed by SIGKILL",
    });
  });
});
