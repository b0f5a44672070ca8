import { createDaemonManager, type DaemonManager, parseDaemonsFile } from "@ringrift/daemon-supervisor";
import { createBeat, createEndpoints, type EndpointsApp, type Listening, listen } from "@ringrift/endpoints";
import { HealthCheckResult } from "@ringrift/protocol";
import { afterEach, expect, it, vi } from "vitest";
import { addDaemonRoutes } from "./daemon-routes.ts";

let manager: DaemonManager | undefined;
let listening: Listening | undefined;
afterEach(async () => {
  await manager?.stop();
  await listening?.close();
});

const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 });

/** A real supervisor behind real HTTP. */
async function served(
  token: string | null,
  script = "echo one; echo two >&2; exec sleep 1000",
  command: readonly string[] = ["/bin/sh", "-c", script],
): Promise<string> {
  manager = createDaemonManager({
    definitions: parseDaemonsFile(
      `daemons:\n  - name: a\n    command: ${JSON.stringify(command)}\n`,
      "/d.yaml",
    ),
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
  });
  const app: EndpointsApp = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy" }),
    gates: () => [],
    metrics: () => ({ contentType: "text/plain", body: "" }),
    status: () => {
      throw new Error("not asked for");
    },
    beat: createBeat(() => 0, 1000),
    onError: (error) => {
      throw error;
    },
  });
  addDaemonRoutes(app, { daemons: manager, token });
  listening = await listen({ app, host: "127.0.0.1", port: 0 });
  await manager.start();
  return `http://127.0.0.1:${listening.port}/v1/daemons`;
}

const post = (url: string, token?: string): Promise<Response> =>
  fetch(url, { method: "POST", headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

it("stops, starts and restarts a daemon, and answers with what became of it", async () => {
  const url = await served(null);
  await until(() => expect(manager?.readinessProbe()).toBe(true));
  const stopped = await post(`${url}/a/stop`);
  expect(stopped.status).toBe(200);
  expect(await stopped.json()).toMatchObject({
    schema: "ringrift.daemon/1",
    daemon: {
      name: "a",
      state: "stopped",
      reason: expect.stringMatching(/^stopped by an operator: ended in its grace, .* (is empty|its marker)$/),
    },
    health: { status: "unhealthy" },
  });
  expect((await post(`${url}/a/start`)).status).toBe(200);
  await until(() => expect(manager?.daemons()[0]).toMatchObject({ state: "running" }));
  const pid = manager?.daemons()[0]?.pid;
  expect((await post(`${url}/a/restart`)).status).toBe(200);
  await until(() => expect(manager?.daemons()[0]).toMatchObject({ state: "running", ready: true }));
  expect(manager?.daemons()[0]?.pid).not.toBe(pid);
});

it("answers a start and a restart with the refusal, where the program cannot be started", async () => {
  const url = await served(null, "exec sleep 1000", ["no-such-program-here"]);
  for (const act of ["start", "restart"])
    expect(await (await post(`${url}/a/${act}`)).json()).toMatchObject({
      daemon: { state: "start_refused", reason: "program no-such-program-here not found" },
    });
});

it("needs the token for acts and logs, where one is configured", async () => {
  const url = await served("secret");
  expect((await fetch(`${url}/a`)).status).toBe(200);
  for (const [token, status] of [
    [undefined, 401],
    ["wrong", 403],
    ["secret", 200],
  ] as const) {
    expect((await post(`${url}/a/stop`, token)).status).toBe(status);
    const headers = { authorization: `Bearer ${token}` };
    const logs = await fetch(`${url}/a/logs`, token === undefined ? {} : { headers });
    expect(logs.status).toBe(status);
  }
});

it("names what it does not know and what it cannot do", async () => {
  const url = await served(null);
  const unknown = await post(`${url}/b/start`);
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({
    code: "DAEMON_UNKNOWN",
    detail: expect.stringContaining("defined are a"),
  });
  expect((await fetch(`${url}/b`)).status).toBe(404);
  expect((await fetch(`${url}/b/logs`)).status).toBe(404);
  const bad = await fetch(`${url}/a/logs?lines=many`);
  expect([bad.status, await bad.json()]).toEqual([400, expect.objectContaining({ field: "lines" })]);
  await manager?.stop();
  const late = await post(`${url}/a/start`);
  expect([late.status, await late.json()]).toEqual([
    409,
    expect.objectContaining({ code: "SUPERVISOR_NOT_RUNNING" }),
  ]);
});

it("gives the last lines that a daemon wrote", async () => {
  const url = await served(null);
  await until(() => expect(manager?.logs("a").lines).toHaveLength(2));
  const logs = (await (await fetch(`${url}/a/logs`)).json()) as { lines: { text: string }[] };
  expect(logs).toMatchObject({ schema: "ringrift.daemon-logs/1", daemon: "a", dropped: 0 });
  expect(logs.lines.map((line) => line.text).toSorted()).toEqual(["one", "two"]);
  expect(await (await fetch(`${url}/a/logs?lines=1`)).json()).toMatchObject({ lines: [{}] });
  expect(await (await fetch(`${url}/a/logs?lines=0`)).json()).toMatchObject({ lines: [] });
});

it("follows a log: first what was kept, then each new line, none twice and none missing", async () => {
  const url = await served(null, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done");
  await until(() => expect(manager?.logs("a").lines.length).toBeGreaterThan(3));
  const abort = new AbortController();
  const response = await fetch(`${url}/a/logs?lines=3`, {
    headers: { accept: "text/event-stream" },
    signal: abort.signal,
  });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const numbers: number[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    numbers.length = 0;
    for (const [, data = ""] of text.matchAll(/^data: (\{.*\})$/gm))
      numbers.push(Number(JSON.parse(data).text));
    if (numbers.length >= 30) break;
  }
  abort.abort();
  const [first = 0] = numbers;
  expect(numbers).toEqual(numbers.map((_, i) => first + i));
});

it("refuses more readers of logs at once than it can serve", async () => {
  const url = await served(null);
  const abort = new AbortController();
  const follow = (): Promise<Response> =>
    fetch(`${url}/a/logs`, { headers: { accept: "text/event-stream" }, signal: abort.signal });
  // Kept, since fetch closes the stream of an answer that nobody holds any more.
  const held: Response[] = [];
  for (let i = 0; i < 16; i += 1) held.push(await follow());
  const tooMany = await follow();
  expect(held.map((response) => response.status)).toEqual(Array(16).fill(200));
  expect(tooMany.status).toBe(503);
  expect(await tooMany.json()).toMatchObject({ code: "TOO_MANY_STREAMS" });
  abort.abort();
  await until(async () => {
    const again = new AbortController();
    const response = await fetch(`${url}/a/logs`, {
      headers: { accept: "text/event-stream" },
      signal: again.signal,
    });
    again.abort();
    expect(response.status).toBe(200);
  });
});
