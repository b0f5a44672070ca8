import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventOccurrence } from "@ringrift/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";
import { groupMembers } from "./process/process-group.ts";

let folder = "";
let manager: DaemonManager | undefined;
let events: EventOccurrence[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemons-"));
  events = [];
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  rmSync(folder, { recursive: true });
});

function define(
  daemons: readonly Record<string, unknown>[],
): ReturnType<typeof readDefinitions>["definitions"] {
  const { definitions, problems } = readDefinitions({ daemons });
  expect(problems).toEqual([]);
  return definitions;
}

function supervise(daemons: readonly Record<string, unknown>[]): DaemonManager {
  manager = createDaemonManager({
    definitions: define(daemons),
    nodeId: "n1",
    onEvent: (event) => events.push(event),
    log: () => undefined,
    random: () => 0.5,
  });
  return manager;
}

const sh = (script: string): string[] => ["/bin/sh", "-c", script];
const forever = "exec sleep 1000";
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 20 });
const one = (daemons: DaemonManager, name: string): ReturnType<DaemonManager["daemons"]>[number] => {
  const found = daemons.daemons().find((daemon) => daemon.name === name);
  if (found === undefined) throw new Error(`no daemon ${name}`);
  return found;
};
const names = (daemon: string): string[] =>
  events.filter((event) => "daemon" in event.data && event.data.daemon === daemon).map((event) => event.name);
const fastLoop = { firstDelaySeconds: 0.02, maxDelaySeconds: 0.02, burstDeaths: 3 };

it("runs daemons and stops them whole", async () => {
  const daemons = supervise([{ name: "a", command: sh(forever), critical: true }]);
  expect(daemons.livenessProbe()).toBe(false);
  expect(daemons.readinessProbe()).toBe(false);
  await daemons.start();
  await until(() => expect(one(daemons, "a")).toMatchObject({ state: "running", ready: true }));
  expect(daemons.livenessProbe()).toBe(true);
  expect(daemons.readinessProbe()).toBe(true);
  expect(daemons.getDaemonHealth("a").isHealthy).toBe(true);
  const { pid } = one(daemons, "a");
  await daemons.stop();
  expect(groupMembers(pid ?? 0)).toEqual([]);
  expect(one(daemons, "a")).toMatchObject({ state: "stopped", pid: null, uptimeSeconds: null });
  expect(names("a")).toEqual(["DAEMON_STARTED", "COORDINATOR_HEALTHY", "DAEMON_STOPPED"]);
});

it("calls a daemon that keeps dying degraded, once, with its last words", async () => {
  const daemons = supervise([
    { name: "loop", command: sh("echo no GPU here >&2; exit 3"), critical: true, restart: fastLoop },
  ]);
  await daemons.start();
  await until(() => expect(one(daemons, "loop").state).toBe("degraded"));
  expect(one(daemons, "loop")).toMatchObject({ restarts: 2, ready: false, pid: null });
  expect(one(daemons, "loop").reason).toContain("exited with code 3; crash loop: 3 deaths");
  expect(daemons.livenessProbe()).toBe(false);
  expect(names("loop").filter((name) => name === "DAEMON_DEGRADED")).toHaveLength(1);
  expect(names("loop").filter((name) => name === "DAEMON_FAILED")).toHaveLength(3);
  const degraded = events.find((event) => event.name === "DAEMON_DEGRADED");
  expect(degraded?.name === "DAEMON_DEGRADED" && degraded.data.reason).toContain("no GPU here");
  expect(daemons.logs("loop").lines.map((line) => line.text)).toContain("no GPU here");
});

it("kills a daemon that ignores the stop signal", async () => {
  const daemons = supervise([
    {
      name: "deaf",
      command: sh("trap '' TERM; echo up; while :; do sleep 0.05; done"),
      stop: { graceSeconds: 0.1 },
    },
  ]);
  await daemons.start();
  await until(() => expect(daemons.logs("deaf").lines).toHaveLength(1));
  const { pid } = one(daemons, "deaf");
  await daemons.stopDaemon("deaf");
  expect(groupMembers(pid ?? 0)).toEqual([]);
  expect(one(daemons, "deaf")).toMatchObject({
    state: "stopped",
    reason: expect.stringMatching(/^stopped by an operator: killed after its grace, /),
  });
});

it("kills what a stopped process group still holds, after waking it", async () => {
  const daemons = supervise([{ name: "frozen", command: sh("kill -STOP $$; exec sleep 1000") }]);
  await daemons.start();
  await until(() => expect(one(daemons, "frozen").ready).toBe(true));
  await daemons.stopDaemon("frozen");
  expect(one(daemons, "frozen").state).toBe("stopped");
});

it("leaves no grandchild behind, neither at a crash nor at a stop", async () => {
  const daemons = supervise([
    {
      name: "parent",
      command: sh("sleep 1000 & echo $!; exit 1"),
      restart: { firstDelaySeconds: 30, maxDelaySeconds: 30, burstDeaths: 2 },
    },
    { name: "family", command: sh("sleep 1000 & echo $!; wait") },
  ]);
  await daemons.start();
  await until(() => expect(daemons.logs("parent").lines).toHaveLength(1));
  await until(() => expect(daemons.logs("family").lines).toHaveLength(1));
  const alive = (name: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${daemons.logs(name).lines[0]?.text}/stat`, "latin1");
      return !stat.includes(") Z ");
    } catch {
      return false;
    }
  };
  await until(() => expect(alive("parent")).toBe(false));
  expect(alive("family")).toBe(true);
  await daemons.stop();
  expect(alive("family")).toBe(false);
});

it("starts a daemon only when its dependencies are ready, and stops it before them", async () => {
  const ready = join(folder, "ready");
  const daemons = supervise([
    { name: "worker", command: sh(forever), dependsOn: ["store"] },
    { name: "store", command: sh(forever), liveness: { exec: ["test", "-e", ready], intervalSeconds: 0.05 } },
  ]);
  await daemons.start();
  await until(() => expect(one(daemons, "store").reason).toContain("start-up grace"));
  expect(one(daemons, "worker")).toMatchObject({
    state: "initializing",
    reason: "waiting for store to be ready",
  });
  expect(daemons.readinessProbe()).toBe(false);
  writeFileSync(ready, "");
  await until(() => expect(daemons.readinessProbe()).toBe(true));
  await daemons.stop();
  const stops = events.filter((event) => event.name === "DAEMON_STOPPED");
  expect(stops.map((event) => event.data.daemon)).toEqual(["worker", "store"]);
});

it("refuses a missing program, a missing folder and a file that is no program, without retries", async () => {
  const daemons = supervise([
    { name: "missing", command: ["no-such-program-here"] },
    { name: "folder", command: sh(forever), cwd: join(folder, "nowhere") },
    { name: "forbidden", command: [folder] },
  ]);
  await daemons.start();
  await until(() =>
    expect(daemons.daemons().map(({ state }) => state)).toEqual(Array(3).fill("start_refused")),
  );
  expect(one(daemons, "missing").reason).toBe("program no-such-program-here not found");
  expect(one(daemons, "folder").reason).toContain("nowhere does not exist");
  expect(one(daemons, "forbidden").reason).toContain("may not be executed");
  expect(one(daemons, "missing").restarts).toBe(0);
  expect(names("missing")).toEqual(["DAEMON_FAILED", "COORDINATOR_UNHEALTHY"]);
});

it("restarts a daemon whose health check fails three times in a row, and only that one", async () => {
  const daemons = supervise([
    {
      name: "sick",
      command: sh(forever),
      restart: fastLoop,
      liveness: { exec: sh("echo queue is stuck; exit 1"), intervalSeconds: 0.02, graceSeconds: 0 },
    },
    { name: "fine", command: sh(forever) },
  ]);
  await daemons.start();
  await until(() => expect(one(daemons, "sick").restarts).toBeGreaterThan(0));
  const failed = events.find((event) => event.name === "DAEMON_FAILED");
  expect(failed?.name === "DAEMON_FAILED" && failed.data.reason).toContain("failed 3 times in a row");
  expect(failed?.name === "DAEMON_FAILED" && failed.data.reason).toContain("queue is stuck");
  expect(one(daemons, "fine")).toMatchObject({ state: "running", restarts: 0 });
});

it("kills a health check that hangs", async () => {
  const daemons = supervise([
    {
      name: "slow",
      command: sh(forever),
      liveness: { exec: sh("sleep 1000"), intervalSeconds: 0.02, timeoutSeconds: 0.05, graceSeconds: 0 },
    },
  ]);
  await daemons.start();
  await until(() => expect(one(daemons, "slow").reason).toContain("took longer than 0.05 s"));
});

it("keeps a daemon stopped that an operator stopped, until started by name", async () => {
  const both = [
    { name: "a", command: sh(forever) },
    { name: "b", command: sh(forever) },
  ];
  const daemons = supervise(both);
  await daemons.start();
  await daemons.stopDaemon("a");
  await daemons.reload(define([{ ...both[0], env: { X: "1" } }, both[1] ?? {}]));
  expect(one(daemons, "a").pid).toBe(null);
  await daemons.startDaemon("a");
  await until(() => expect(one(daemons, "a").state).toBe("running"));
  const before = one(daemons, "a").pid;
  await daemons.restartDaemon("a");
  await until(() => expect(one(daemons, "a").ready).toBe(true));
  expect(one(daemons, "a").pid).not.toBe(before);
});

it("reloads without touching what did not change", async () => {
  const daemons = supervise([
    { name: "same", command: sh(forever) },
    { name: "gone", command: sh(forever) },
    { name: "broken", command: ["no-such-program-here"] },
  ]);
  await daemons.start();
  await until(() => expect(one(daemons, "broken").state).toBe("start_refused"));
  await until(() => expect(one(daemons, "gone").ready).toBe(true));
  const same = one(daemons, "same").pid;
  const gone = one(daemons, "gone").pid;
  await daemons.reload(
    define([
      { name: "same", command: sh(forever) },
      { name: "broken", command: sh(forever) },
      { name: "new", command: sh(forever), dependsOn: ["same"] },
    ]),
  );
  await until(() => expect(daemons.readinessProbe()).toBe(true));
  expect(one(daemons, "same").pid).toBe(same);
  expect(groupMembers(gone ?? 0)).toEqual([]);
  await expect(
    daemons.reload(
      define([{ name: "x", command: ["x"], dependsOn: [] }]).concat(define([{ name: "x", command: ["x"] }])),
    ),
  ).rejects.toMatchObject({ code: "DAEMONS_INVALID" });
  expect(daemons.readinessProbe()).toBe(true);
});

it("survives a listener that throws and names the daemons there are", async () => {
  const lines: string[] = [];
  manager = createDaemonManager({
    definitions: define([{ name: "a", command: sh(forever) }]),
    nodeId: "n1",
    onEvent: () => {
      throw new Error("listener broke");
    },
    log: (_level, message) => lines.push(message),
  });
  await manager.start();
  const daemons = manager;
  await until(() => expect(one(daemons, "a").ready).toBe(true));
  expect(lines.join("\n")).toContain("listener broke");
  expect(() => daemons.getDaemonHealth("b")).toThrow('There is no daemon "b"; defined are a.');
});

it("ends in the state last asked for, however starts and stops overlap", async () => {
  const daemons = supervise([{ name: "a", command: sh("sleep 1000 & exec sleep 1000") }]);
  await daemons.start();
  const stops = [daemons.stopDaemon("a")];
  await daemons.startDaemon("a");
  stops.push(daemons.restartDaemon("a"), daemons.stopDaemon("a"));
  await daemons.startDaemon("a");
  await Promise.all(stops);
  await until(() => expect(one(daemons, "a").ready).toBe(true));
  const pid = one(daemons, "a").pid ?? 0;
  const again = daemons.stopDaemon("a");
  await Promise.all([again, daemons.stopDaemon("a")]);
  expect(one(daemons, "a").state).toBe("stopped");
  expect(groupMembers(pid)).toEqual([]);
  expect(names("a").filter((name) => name === "DAEMON_STARTED").length).toBeLessThanOrEqual(
    names("a").filter((name) => name === "DAEMON_STOPPED").length,
  );
});

it("runs one copy of a daemon after reloads that overlap, and none after a stop", async () => {
  const version = (v: string): Record<string, unknown> => ({
    name: "a",
    command: sh(`echo $$; ${forever}`),
    env: { V: v },
  });
  const daemons = supervise([version("1")]);
  await daemons.start();
  await until(() => expect(one(daemons, "a").ready).toBe(true));
  await Promise.all(["2", "3", "2"].map((v) => daemons.reload(define([version(v)]))));
  await until(() => expect(one(daemons, "a").ready).toBe(true));
  const { pid } = one(daemons, "a");
  await daemons.stop();
  expect(groupMembers(pid ?? 0)).toEqual([]);
  const started = events.filter((event) => event.name === "DAEMON_STARTED");
  for (const event of started)
    expect(groupMembers(Number(event.data.reason.replace("pid ", "")))).toEqual([]);
});
