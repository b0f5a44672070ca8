import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createDaemonManager, type DaemonManager, readDefinitions } from "@ringrift/daemon-supervisor";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let folder = "";
let manager: DaemonManager | undefined;
let told: string[] = [];
let mounted: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemon-logs-"));
  told = [];
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  if (mounted !== undefined) execFileSync("umount", [mounted]);
  mounted = undefined;
  rmSync(folder, { recursive: true });
});

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 60_000, interval: 50 });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that are really held, without what only waits for the garbage collector. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function supervise(
  script: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<DaemonManager> {
  const daemons = [{ name: "a", command: ["/bin/sh", "-c", script], ...more }];
  const { definitions, problems } = readDefinitions({ daemons });
  expect(problems).toEqual([]);
  manager = createDaemonManager({
    definitions,
    nodeId: "n1",
    onEvent: () => undefined,
    log: (_level, text) => told.push(text),
    stateDir: folder,
  });
  await manager.start();
  return manager;
}

it("on a full disk the daemon runs on, what is lost is counted and told of once, and writing resumes", async () => {
  mounted = join(folder, "daemons", "a");
  mkdirSync(mounted, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted]);
  const daemons = await supervise("while :; do seq 1 2000; sleep 0.02; done");
  await until(() => expect(daemons.logs("a").problem).toContain("ENOSPC"));
  await until(() => expect(daemons.logs("a").droppedOnDisk).toBeGreaterThan(10_000));
  const [full] = daemons.daemons();
  expect(full).toMatchObject({ state: "running", restarts: 0 });
  expect(told.filter((text) => text.includes("ENOSPC"))).toHaveLength(1);
  execFileSync("mount", ["-o", "remount,size=100m", mounted]);
  await until(() => expect(daemons.logs("a").problem).toBeNull());
  const size = statSync(join(mounted, "log")).size;
  await until(() => expect(statSync(join(mounted ?? "", "log")).size).toBeGreaterThan(size));
  expect(daemons.daemons()).toMatchObject([{ state: "running", pid: full?.pid }]);
});

it("ten megabytes a second leave no memory held and no more disk than was allowed, and every line is accounted for", async () => {
  const second =
    "for i in 1 2 3 4 5 6 7 8 9 10; do head -c 990000 /dev/zero | tr '\\0' x | fold -w 99; echo; sleep 0.08; done";
  const daemons = await supervise(
    `sleep 1; for s in 1 2 3 4 5 6 7 8; do ${second}; done; echo end; exec sleep 1000`,
  );
  const before = memoryInUse();
  await until(() => expect(daemons.logs("a").lines.at(-1)?.text).toBe("end"));
  // What the collector has not come to yet is not held.
  await until(() => expect(memoryInUse() - before).toBeLessThan(10_000_000));
  const { lines, dropped } = daemons.logs("a");
  // 80 blocks of 10,000 lines, of which fold leaves the last without its newline, and the end.
  expect(lines.length + dropped).toBe(80 * 10_000 + 1);
  expect(lines.length).toBeLessThanOrEqual(1_000);
  const logs = readdirSync(join(folder, "daemons", "a")).filter((name) => name.startsWith("log"));
  const sizes = logs.map((name) => statSync(join(folder, "daemons", "a", name)).size);
  expect(sizes.length).toBeLessThanOrEqual(5);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10 * 1024 * 1024);
});

it("two hundred starts and stops leave no descriptor, listener or zombie behind", async () => {
  const daemons = await supervise("exec sleep 1000");
  const cycle = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      await daemons.stopDaemon("a");
      await daemons.startDaemon("a");
    }
    await daemons.stopDaemon("a");
  };
  const held = (): Record<string, number> => ({
    descriptors: readdirSync("/proc/self/fd").length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  });
  await cycle(20);
  const before = held();
  await cycle(200);
  await until(() => {
    // The process opens and closes a few of its own; what leaks with each cycle would be two hundred.
    for (const [what, count] of Object.entries(held())) expect(count).toBeLessThan((before[what] ?? 0) + 10);
    const children = execFileSync("ps", ["-o", "stat=", "--ppid", String(process.pid)], { encoding: "utf8" });
    expect(children).not.toContain("Z");
  });
});
