import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RunFiles } from "../state/run-files.ts";
import { CgroupLeaf } from "./cgroup-leaf.ts";
import { Containment, markerEnvironment } from "./containment.ts";
import { isAlive, readStat } from "./process-stat.ts";
import { ProcessTable } from "./process-table.ts";

vi.setConfig({ testTimeout: 30_000 });

let folder = "";
let children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "containment-"));
  children = [];
});
afterEach(() => {
  const pids = existsSync(join(folder, "pids")) ? readPids("pids") : [];
  for (const pid of [...pids, ...children.map((child) => child.pid ?? 0)])
    if (pid > 1 && readStat(pid) !== null) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true });
});

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 10 });

async function run(script: string, useCgroup = false): Promise<Containment> {
  const token = `test:${Math.random().toString(36).slice(2)}`;
  const env = { PATH: process.env.PATH, F: folder, ...markerEnvironment(token) };
  const child = spawn("/bin/sh", ["-c", script], { detached: true, env, stdio: "ignore" });
  children.push(child);
  await once(child, "spawn");
  const containment = Containment.around(child.pid ?? 0, { token, table: new ProcessTable(), useCgroup });
  child.on("exit", () => containment.changed());
  return containment;
}

/** The pids that the script has written into `file`, once there are `count`. */
async function pidsIn(file: string, count: number): Promise<number[]> {
  let found: number[] = [];
  await until(() => {
    found = readPids(file);
    expect(found).toHaveLength(count);
  });
  return found;
}

function readPids(file: string): number[] {
  return readFileSync(join(folder, file), "utf8").trim().split("\n").map(Number);
}

const living = (pids: readonly number[]): number[] => pids.filter((pid) => readStat(pid) !== null);
const escapee = 'setsid sh -c "sleep 1000 & echo \\$! >> $F/pids" &';
const forever = "exec sleep 1000";

/** A cgroup can only be made, and used, where the kernel and our rights allow it. */
async function cgroupsWork(): Promise<boolean> {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  const leaf = CgroupLeaf.make(`probe-${child.pid}`);
  const works = (await leaf?.add(child.pid ?? 0)) === true;
  child.kill("SIGKILL");
  await once(child, "exit");
  leaf?.remove();
  return works;
}
const withCgroups = await cgroupsWork();

describe.each([
  { rung: "marker", useCgroup: false },
  ...(withCgroups ? [{ rung: "cgroup", useCgroup: true }] : []),
])("held by its $rung", ({ rung, useCgroup }) => {
  it("ends double-forked grandchildren in sessions of their own", async () => {
    const containment = await run(`${escapee} ${escapee} ${forever}`, useCgroup);
    const pids = await pidsIn("pids", 2);
    expect(await containment.end("SIGTERM", 5_000)).toEqual({ left: [], killed: false, rung });
    expect(living(pids)).toEqual([]);
  });

  it("ends what its program left behind when it died", async () => {
    const containment = await run(`${escapee} exit 1`, useCgroup);
    const pids = await pidsIn("pids", 1);
    // One that dies at once may be gone before it is in a cgroup; its marker tells then.
    expect(await containment.end("SIGTERM", 5_000)).toMatchObject({ left: [], killed: false });
    expect(living(pids)).toEqual([]);
  });

  it("kills what ignores the signal, at the end of its grace and not before", async () => {
    const containment = await run(
      `trap '' TERM; echo $$ >> $F/pids; while :; do sleep 0.05; done`,
      useCgroup,
    );
    const pids = await pidsIn("pids", 1);
    const before = performance.now();
    expect(await containment.end("SIGTERM", 300)).toEqual({ left: [], killed: true, rung });
    expect(performance.now() - before).toBeGreaterThanOrEqual(300);
    expect(living(pids)).toEqual([]);
  });

  it("wakes a stopped process so that it can obey", async () => {
    const containment = await run(`sleep 1000 & echo $! >> $F/pids; kill -STOP $!; kill -STOP $$`, useCgroup);
    const pids = await pidsIn("pids", 1);
    await until(() => expect(readFileSync(`/proc/${pids[0]}/stat`, "latin1")).toContain(") T "));
    expect(await containment.end("SIGTERM", 10_000)).toMatchObject({ left: [], killed: false });
    expect(living(pids)).toEqual([]);
  });

  it("ends two hundred processes, each in a session of its own and deaf to the signal", async () => {
    const one = `setsid sh -c "trap '' TERM; echo \\$\\$ >> $F/pids; while :; do sleep 1000; done" &`;
    const containment = await run(
      `i=0; while [ $i -lt 200 ]; do i=$((i+1)); ${one} done; ${forever}`,
      useCgroup,
    );
    const pids = await pidsIn("pids", 200);
    expect(await containment.end("SIGTERM", 50)).toEqual({ left: [], killed: true, rung });
    expect(living(pids)).toEqual([]);
  });
});

it("follows a descendant that cleared its environment by its session", async () => {
  const clean = 'env -i setsid sh -c "sleep 1000 & echo \\$! >> \\$1/pids; exec sleep 1000" - $F &';
  const containment = await run(`${clean} ${forever}`);
  const pids = await pidsIn("pids", 1);
  expect(await containment.end("SIGTERM", 5_000)).toMatchObject({ left: [], rung: "marker" });
  expect(living(pids)).toEqual([]);
});

it("remembers one that was seen before it cut its every tie", async () => {
  const untie =
    'env -i setsid sh -c "setsid sleep 1000 & echo \\$! >> \\$1/pids; while [ ! -e \\$1/cut ]; do sleep 0.02; done" - $F &';
  const containment = await run(`${untie} ${forever}`);
  const pids = await pidsIn("pids", 1);
  // The sweep that comes a second after the start.
  await until(() => expect(containment.pids).toEqual(expect.arrayContaining(pids)));
  const parent = readStat(pids[0] ?? 0)?.parent ?? 0;
  process.kill(parent, "SIGKILL");
  await until(() => expect(readStat(pids[0] ?? 0)?.parent).not.toBe(parent));
  expect(await containment.end("SIGTERM", 5_000)).toMatchObject({ left: [], rung: "marker" });
  expect(living(pids)).toEqual([]);
});

it("finds one that cut every tie unseen by the lifeline it still holds", async () => {
  const files = new RunFiles(join(folder, "daemon"));
  const { ends, readers } = files.openRun(null, null);
  // Without environment, in a session of its own, and its parents gone before anybody looked.
  const script = "env -i setsid setsid -f sleep 1000";
  const token = "test:lifeline";
  const env = { PATH: process.env.PATH, ...markerEnvironment(token) };
  const child = spawn("/bin/sh", ["-c", script], { detached: true, env, stdio: [...ends.stdio] });
  ends.close();
  for (const reader of Object.values(readers)) reader?.destroy();
  children.push(child);
  const exited = once(child, "exit");
  const options = { token, table: new ProcessTable(), useCgroup: false, holders: () => files.holders() };
  const containment = Containment.around(child.pid ?? 0, options);
  await exited;
  expect(files.held).toBe(true);
  const [holder] = files.holders();
  expect(await containment.end("SIGTERM", 5_000)).toMatchObject({ left: [], rung: "marker" });
  expect(files.held).toBe(false);
  expect(holder).toBeDefined();
  expect(readStat(holder?.pid ?? 0)).toBeNull();
});

it("touches no process of another run, nor of nobody's", async () => {
  const one = await run(forever);
  const other = await run(forever);
  await one.end("SIGTERM", 5_000);
  expect(living(other.remaining())).toHaveLength(1);
  await other.end("SIGTERM", 5_000);
  expect(other.remaining()).toEqual([]);
});

it("takes a pid that was given out again for another process", () => {
  const own = readStat(process.pid);
  expect(own).not.toBeNull();
  expect(isAlive({ pid: process.pid, startTicks: own?.startTicks ?? 0 })).toBe(true);
  expect(isAlive({ pid: process.pid, startTicks: (own?.startTicks ?? 0) + 1 })).toBe(false);
});
