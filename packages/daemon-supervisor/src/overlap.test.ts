import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventOccurrence } from "@ringrift/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DaemonDefinition } from "./definition/definition.ts";
import { readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";
import { Containment } from "./process/containment.ts";
import { groupMembers } from "./process/process-group.ts";

let folder = "";
let manager: DaemonManager | undefined;
let events: EventOccurrence[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemons-"));
  events = [];
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await manager?.stop();
  manager = undefined;
  for (const pid of startedPids()) if (groupMembers(pid).length > 0) process.kill(-pid, "SIGKILL");
  rmSync(folder, { recursive: true });
});

function define(daemons: readonly Record<string, unknown>[]): DaemonDefinition[] {
  const { definitions, problems } = readDefinitions({ daemons });
  expect(problems).toEqual([]);
  return definitions;
}

async function started(daemons: readonly Record<string, unknown>[]): Promise<DaemonManager> {
  manager = createDaemonManager({
    definitions: define(daemons),
    nodeId: "n1",
    onEvent: (event) => events.push(event),
    log: () => undefined,
    random: () => 0.5,
  });
  await manager.start();
  const daemonManager = manager;
  await until(() => expect(daemonManager.readinessProbe()).toBe(true));
  return manager;
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 20 });
const startedPids = (): number[] =>
  events
    .filter((event) => event.name === "DAEMON_STARTED")
    .map((event) => Number(event.data.reason.replace("pid ", "")));
const running = (): number[] => startedPids().filter((pid) => groupMembers(pid).length > 0);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const version = (v: string): Record<string, unknown> => ({
  name: "a",
  command: ["sleep", "1000"],
  env: { V: v },
});

/** Makes the next end of a run fail as it does when a process sleeps uninterruptibly, which cannot be made at will. */
function nextEndFails(): void {
  vi.spyOn(Containment.prototype, "end").mockImplementationOnce(async function (this: Containment) {
    return { left: this.remaining(), killed: true, rung: this.rung };
  });
}

/** Needs fake timers: jumps to the next look at what was stuck. */
async function killedAndSeen(pid: number): Promise<void> {
  process.kill(-pid, "SIGKILL");
  await until(() => expect(groupMembers(pid)).toEqual([]));
  await vi.advanceTimersByTimeAsync(5_000);
}

it("leaves nothing running when starts and restarts overlap the stop of all", async () => {
  const daemons = await started([version("1"), { name: "b", command: ["sleep", "1000"] }]);
  const restart = daemons.restartDaemon("a").catch((error: unknown) => error);
  const stop = daemons.stop();
  const start = daemons.startDaemon("b").catch((error: unknown) => error);
  await stop;
  expect(await restart).toMatchObject({ code: "SUPERVISOR_NOT_RUNNING" });
  expect(await start).toMatchObject({ code: "SUPERVISOR_NOT_RUNNING" });
  await pause(100);
  expect(running()).toEqual([]);
  expect(daemons.daemons().map(({ state }) => state)).toEqual(["stopped", "stopped"]);
});

it("runs one copy, of the new definition, when a start or restart overlaps a reload", async () => {
  for (const command of ["startDaemon", "restartDaemon"] as const) {
    const daemons = await started([version("1")]);
    const reload = daemons.reload(define([version("2")]));
    await Promise.all([reload, daemons[command]("a")]);
    await until(() => expect(daemons.readinessProbe()).toBe(true));
    const copies = running();
    expect(copies).toEqual([daemons.daemons()[0]?.pid]);
    expect(readFileSync(`/proc/${copies[0]}/environ`, "latin1")).toContain("V=2");
    await daemons.stop();
    expect(running()).toEqual([]);
  }
});

it("keeps stopped what is stopped during a reload, and starts what is started during one", async () => {
  const daemons = await started([version("1")]);
  await Promise.all([daemons.reload(define([version("2")])), daemons.stopDaemon("a")]);
  await pause(100);
  expect(daemons.daemons()).toMatchObject([{ state: "stopped" }]);
  expect(running()).toEqual([]);
  await Promise.all([daemons.reload(define([version("3")])), daemons.startDaemon("a")]);
  await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running" }]));
  expect(running()).toHaveLength(1);
});

it("does not bring back a daemon that a reload removes while it is restarted", async () => {
  const daemons = await started([version("1")]);
  const restart = daemons.restartDaemon("a");
  await Promise.all([restart, daemons.reload([])]);
  await pause(100);
  expect(running()).toEqual([]);
  expect(daemons.daemons()).toEqual([]);
});

it("shows a daemon that cannot be killed as stuck and starts its new definition only when it is gone", async () => {
  const daemons = await started([version("1")]);
  const [pid = 0] = startedPids();
  nextEndFails();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await daemons.reload(define([version("2")]));
  expect(daemons.daemons()).toMatchObject([{ name: "a", state: "stuck", pid }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(running()).toEqual([pid]);
  await killedAndSeen(pid);
  await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running" }]));
  expect(running()).toHaveLength(1);
  expect(running()).not.toContain(pid);
});

it("shows a removed daemon for as long as it cannot be killed", async () => {
  const daemons = await started([version("1")]);
  const [pid = 0] = startedPids();
  nextEndFails();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await daemons.reload([]);
  expect(daemons.daemons()).toMatchObject([{ name: "a", state: "stuck", pid }]);
  await killedAndSeen(pid);
  await until(() => expect(daemons.daemons()).toEqual([]));
});

it("ends a running health check together with its daemon", async () => {
  const file = join(folder, "check.pid");
  const daemons = await startedWithCheck(`echo $$ > ${file}; exec sleep 1000`);
  const pid = await fileNumber(file);
  await daemons.stop();
  expect(groupMembers(pid)).toEqual([]);
});

it("runs no further copy of a health check that cannot be killed", async () => {
  const file = join(folder, "check.pid");
  const daemons = await startedWithCheck(`echo $$ >> ${file}; exec sleep 1000`, { timeoutSeconds: 0.05 });
  nextEndFails();
  const pid = await fileNumber(file);
  await until(() => expect(daemons.daemons()[0]?.reason).toContain(`earlier check still runs: pid ${pid}`));
  await pause(100);
  expect(readFileSync(file, "utf8").trim()).toBe(String(pid));
  process.kill(-pid, "SIGKILL");
  await until(() => expect(readFileSync(file, "utf8").trim().split("\n").length).toBeGreaterThan(1));
});

async function startedWithCheck(script: string, more: Record<string, unknown> = {}): Promise<DaemonManager> {
  manager = createDaemonManager({
    definitions: define([
      {
        name: "a",
        command: ["sleep", "1000"],
        liveness: { exec: ["/bin/sh", "-c", script], intervalSeconds: 0.02, ...more },
      },
    ]),
    nodeId: "n1",
    onEvent: (event) => events.push(event),
    log: () => undefined,
  });
  await manager.start();
  return manager;
}

async function fileNumber(file: string): Promise<number> {
  let found = 0;
  await until(() => {
    found = Number(readFileSync(file, "utf8").split("\n")[0]);
    expect(found).toBeGreaterThan(0);
  });
  return found;
}
