import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DaemonHealth } from "@ringrift/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readDefinitions } from "../definition/definition-reader.ts";
import { createDaemonManager } from "../manager.ts";
import type { DaemonManager } from "../manager-options.ts";
import { readStat } from "../process/process-stat.ts";
import { type OtherSupervisor, otherSupervisor } from "../supervisor.test.kit.ts";

type Daemons = readonly Readonly<Record<string, unknown>>[];

vi.setConfig({ testTimeout: 30_000 });

let folder = "";
let manager: DaemonManager | undefined;
let other: OtherSupervisor | undefined;
let told: string[] = [];
let events: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adoption-"));
  told = [];
  events = [];
});
afterEach(async () => {
  await other?.kill();
  other = undefined;
  await manager?.stop();
  manager = undefined;
  rmSync(folder, { recursive: true });
});

const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 });
const sh = (script: string): string[] => ["/bin/sh", "-c", script];

/** Runs `daemons` under a supervisor that is then killed; returns what it last said of them. */
async function leftBehind(daemons: Daemons, check: (all: DaemonHealth[]) => void): Promise<DaemonHealth[]> {
  const supervisor = await otherSupervisor(folder, daemons);
  other = supervisor;
  let last: DaemonHealth[] = [];
  await until(async () => {
    last = await supervisor.daemons();
    check(last);
  });
  await until(() => {
    const state = JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
    for (const { name, pid } of last) expect(state.daemons[name].run?.pid ?? null).toBe(pid);
  });
  await supervisor.kill();
  other = undefined;
  return last;
}

async function supervise(daemons: Daemons): Promise<DaemonManager> {
  manager = createDaemonManager({
    definitions: readDefinitions({ daemons }).definitions,
    nodeId: "n1",
    onEvent: ({ name, data }) => events.push(`${name} ${"reason" in data ? data.reason : ""}`),
    log: (_level, text) => told.push(text),
    stateDir: folder,
  });
  await manager.start();
  return manager;
}

const running = (all: readonly DaemonHealth[]): void =>
  expect(all.map(({ state }) => state)).toEqual(all.map(() => "running"));
const pidOf = (all: readonly DaemonHealth[], name: string): number =>
  all.find((daemon) => daemon.name === name)?.pid ?? 0;
const copies = (name: string): number[] =>
  readFileSync(join(folder, `${name}.pids`), "utf8")
    .trim()
    .split("\n")
    .map(Number)
    .filter(readStat);

/** Writes its pid at each start, and a counter for ever. */
const counter = (name: string): Record<string, unknown> => ({
  name,
  command: sh(`echo $$ >> ${folder}/${name}.pids; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done`),
});

it("goes on with the daemons of a supervisor that was killed, and with their counts and logs", async () => {
  const crashing = {
    name: "b",
    command: sh(`test -e ${folder}/up && exec sleep 1000; touch ${folder}/up; exit 7`),
    restart: { firstDelaySeconds: 0.01 },
  };
  const before = await leftBehind([counter("a"), crashing], (all) => {
    running(all);
    expect(all.map(({ restarts }) => restarts)).toEqual([0, 1]);
  });
  const daemons = await supervise([counter("a"), crashing]);
  await until(() => running(daemons.daemons()));
  expect(daemons.daemons()).toMatchObject([
    { name: "a", pid: pidOf(before, "a"), restarts: 0, lastExit: null },
    { name: "b", pid: pidOf(before, "b"), restarts: 1, lastExit: "exited with code 7" },
  ]);
  expect(copies("a")).toEqual([pidOf(before, "a")]);
  const seen = daemons.logs("a").lines.length;
  await until(() => expect(daemons.logs("a").lines.length).toBeGreaterThan(seen + 20));
  await daemons.stop();
  const lines = readFileSync(join(folder, "daemons/a/log"), "utf8").trim().split("\n");
  const numbers = lines.map((line) => Number(line.split(" ")[3]));
  expect(numbers).toEqual([...new Set(numbers)].sort((one, two) => one - two));
  // Only what the killed supervisor had taken and not yet written is lost.
  expect((numbers.at(-1) ?? 0) - numbers.length).toBeLessThan(10);
  expect(copies("a")).toEqual([]);
});

it("notices the end of an adopted daemon, says that its code is unknown, and starts one copy", async () => {
  const daemon = { ...counter("a"), restart: { firstDelaySeconds: 0.01 } };
  const before = await leftBehind([daemon], running);
  const daemons = await supervise([daemon]);
  process.kill(pidOf(before, "a"), "SIGKILL");
  await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running", restarts: 1 }]));
  expect(daemons.daemons()).toMatchObject([{ lastExit: "ended, exit code unknown" }]);
  // The new copy is found by its environment, which reads as empty while it begins.
  await until(() => expect(copies("a")).toEqual([pidOf(daemons.daemons(), "a")]));
});

it.each([
  ["garbage", "{ not json"],
  ["of a newer kind", JSON.stringify({ schema: 2, daemons: {} })],
])("sets a state aside that is %s, and still starts no second copy", async (_, text) => {
  const before = await leftBehind([counter("a")], running);
  writeFileSync(join(folder, "state.json"), text);
  const daemons = await supervise([counter("a")]);
  await until(() => running(daemons.daemons()));
  expect(told.join("\n")).toContain("set aside");
  expect(readFileSync(join(folder, "state.json.bad"), "utf8")).toBe(text);
  expect(pidOf(daemons.daemons(), "a")).toBe(pidOf(before, "a"));
  expect(copies("a")).toEqual([pidOf(before, "a")]);
});

it("starts no second copy of one that hid its environment, and names the first", async () => {
  const daemon = { ...counter("a"), restart: { firstDelaySeconds: 0.01 } };
  const hidden = { ...daemon, command: ["env", "-i", "PATH=/usr/bin:/bin", ...counterCommand("a")] };
  const before = await leftBehind([hidden], running);
  rmSync(join(folder, "state.json"));
  const daemons = await supervise([hidden]);
  await until(() => expect(daemons.daemons()[0]?.lastExit).toContain("another copy of it still runs: pid"));
  expect(copies("a")).toEqual([pidOf(before, "a")]);
  process.kill(-pidOf(before, "a"), "SIGKILL");
});

function counterCommand(name: string): string[] {
  const { command } = counter(name);
  return Array.isArray(command) ? command : [];
}

it("never signals a process that has got the pid of one that is gone", async () => {
  const before = await leftBehind([counter("a")], running);
  const innocent = await otherSupervisor(mkdtempSync(join(folder, "x-")), []);
  const path = join(folder, "state.json");
  const state = JSON.parse(readFileSync(path, "utf8"));
  state.daemons.a.run.pid = innocent.pid;
  writeFileSync(path, JSON.stringify(state));
  const daemons = await supervise([counter("a")]);
  await until(() => running(daemons.daemons()));
  await daemons.stop();
  expect(readStat(innocent.pid)).not.toBeNull();
  // What the run had left was found by its marker.
  expect(readStat(pidOf(before, "a"))).toBeNull();
  await innocent.kill();
});

it("refuses a state directory that another supervisor uses, and names that one", async () => {
  other = await otherSupervisor(folder, []);
  await expect(supervise([])).rejects.toMatchObject({
    code: "SUPERVISOR_ALREADY_RUNNING",
    message: expect.stringContaining(`pid ${other.pid}, since 2`),
  });
  await other.kill();
  other = undefined;
  await supervise([]);
});

it("restarts what was changed meanwhile, and ends what is no longer defined", async () => {
  const before = await leftBehind([counter("a"), counter("b"), counter("c")], running);
  const daemons = await supervise([counter("a"), { ...counter("b"), env: { V: "2" } }]);
  await until(() => expect(copies("c")).toEqual([]));
  await until(() => {
    running(daemons.daemons());
    expect(copies("b")).toHaveLength(1);
    expect(copies("b")).not.toEqual([pidOf(before, "b")]);
  });
  expect(copies("a")).toEqual([pidOf(before, "a")]);
});

it("finishes an operator's stop that its predecessor was killed in, and does not take the daemon for a wanted one", async () => {
  const deaf = {
    name: "a",
    command: sh(`trap 'echo told' TERM; echo $$ >> ${folder}/a.pids; while :; do sleep 0.05; done`),
    stop: { graceSeconds: 3600 },
  };
  const first = await otherSupervisor(folder, [deaf]);
  other = first;
  await until(async () => running(await first.daemons()));
  await until(() => expect(copies("a")).toHaveLength(1));
  first.stop("a");
  // The stop is under way: the daemon has been told.
  await until(() => expect(readFileSync(join(folder, "daemons/a/log"), "utf8")).toContain("told"));
  await first.kill();
  other = undefined;
  const daemons = await supervise([{ ...deaf, stop: { graceSeconds: 0.2 } }]);
  expect(daemons.daemons()).toMatchObject([{ state: "stopping" }]);
  expect(copies("a")).toHaveLength(1);
  await until(() => expect(daemons.daemons()).toMatchObject([{ state: "stopped" }]));
  expect(copies("a")).toEqual([]);
  expect(events.filter((event) => event.startsWith("DAEMON_STARTED"))).toEqual([]);
});

it("kills the health check that its predecessor was killed in, and asks anew", async () => {
  const checked = {
    name: "a",
    command: ["sleep", "1000"],
    liveness: { exec: sh(`echo $$ >> ${folder}/check.pids; exec sleep 1000`), timeoutSeconds: 600 },
  };
  await leftBehind([checked], () => expect(copies("check")).toHaveLength(1));
  const [first = 0] = copies("check");
  expect(readStat(first)).not.toBeNull();
  await supervise([checked]);
  expect(readStat(first)).toBeNull();
  await until(() => expect(copies("check")).toHaveLength(1));
});

it("keeps stopped what an operator stopped, also under the next supervisor", async () => {
  const first = await supervise([counter("a")]);
  await first.stopDaemon("a");
  await first.stop();
  const second = await supervise([counter("a")]);
  expect(second.daemons()).toMatchObject([{ state: "stopped" }]);
});

it("takes nothing for gone while it has no descriptor left to look with, and goes on when it has some", async () => {
  const supervisor = await otherSupervisor(folder, [
    { ...counter("a"), restart: { firstDelaySeconds: 0.01 } },
  ]);
  other = supervisor;
  await until(async () => running(await supervisor.daemons()));
  await until(() => expect(copies("a")).toHaveLength(1));
  const [before = 0] = copies("a");
  const [, limit = ""] =
    /^Max open files\s+(\S+)/m.exec(readFileSync(`/proc/${supervisor.pid}/limits`, "utf8")) ?? [];
  const allow = (files: string): unknown =>
    execFileSync("prlimit", [`--pid=${supervisor.pid}`, `--nofile=${files}:`]);
  allow("3");
  process.kill(before, "SIGKILL");
  await until(async () => expect(await supervisor.daemons()).toMatchObject([{ state: "restarting" }]));
  // Nothing is proved to be gone, so nothing is started, however often it would be.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await supervisor.daemons()).toMatchObject([{ state: "restarting", restarts: 0 }]);
  allow(limit);
  await until(async () =>
    expect(await supervisor.daemons()).toMatchObject([{ state: "running", restarts: 1 }]),
  );
  await until(() => expect(copies("a")).toHaveLength(1));
  // Its supervisor is killed, not stopped, and would leave it behind.
  await supervisor.kill();
  other = undefined;
  for (const pid of copies("a")) process.kill(-pid, "SIGKILL");
});
