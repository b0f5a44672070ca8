import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DaemonLog } from "./daemon-log.ts";
import type { LogLine } from "./log-ring.ts";

vi.setConfig({ testTimeout: 30_000 });

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemon-log-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const limits = { lineBytes: 8192, ringLines: 1000, maxBytes: 10_000_000, files: 5 };
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const file = (): ConstructorParameters<typeof DaemonLog>[2] => ({
  path: join(folder, "log"),
  onProblem: () => undefined,
});

it("writes time, stream and tag before each line, and reads them back under the next supervisor", async () => {
  const log = new DaemonLog(limits, () => at, file());
  const heard: LogLine[] = [];
  log.follow((line) => heard.push(line));
  log.write("stdout", Buffer.from("hello\nhal"));
  log.write("stderr", Buffer.from("oops\n"));
  log.flush();
  await log.close();
  expect(readFileSync(join(folder, "log"), "utf8")).toBe(
    "2026-01-02T03:04:05.006Z stdout F hello\n2026-01-02T03:04:05.006Z stderr F oops\n2026-01-02T03:04:05.006Z stdout F hal\n",
  );
  const lines = [
    { stream: "stdout", text: "hello", timeMs: at },
    { stream: "stderr", text: "oops", timeMs: at },
    { stream: "stdout", text: "hal", timeMs: at },
  ];
  expect(heard).toEqual(lines);
  expect(new DaemonLog(limits, () => 0, file()).snapshot().lines).toEqual(lines);
});

it("takes what is no UTF-8 as it is on disk, and as replacement characters in memory", async () => {
  const log = new DaemonLog(limits, () => at, file());
  log.write("stdout", Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0a]));
  await log.close();
  expect(log.snapshot().lines[0]?.text).toBe("a\ufffd\ufffdb");
  expect([...readFileSync(join(folder, "log")).subarray(-5)]).toEqual([0x61, 0xff, 0xfe, 0x62, 0x0a]);
});

it("takes fifty megabytes without a newline, losing nothing and growing little", async () => {
  const log = new DaemonLog({ ...limits, maxBytes: 100_000_000 }, () => at, file());
  const child = spawn("head", ["-c", "50000000", "/dev/zero"], { stdio: ["ignore", "pipe", "ignore"] });
  const before = process.memoryUsage().rss;
  let most = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    log.write("stdout", chunk);
    most = Math.max(most, process.memoryUsage.rss());
  });
  await once(child, "close");
  log.flush();
  await log.close();
  const prefix = "2026-01-02T03:04:05.006Z stdout P ".length + 1;
  const pieces = Math.ceil(50_000_000 / 8192);
  expect(
    log.snapshot().droppedOnDisk * (8192 + prefix) + statSync(join(folder, "log")).size,
  ).toBeGreaterThanOrEqual(50_000_000 + pieces * prefix - 8192);
  expect(most - before).toBeLessThan(200_000_000);
});

it("keeps to its share of the disk whatever is written", async () => {
  const log = new DaemonLog({ ...limits, maxBytes: 100_000, files: 3 }, () => at, file());
  const chunk = Buffer.from("a line of some forty characters or so\n".repeat(500));
  for (let i = 0; i < 200; i += 1) {
    log.write("stdout", chunk);
    if (i % 20 === 0) await log.close();
  }
  await log.close();
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  expect(sizes).toHaveLength(3);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100_000);
});
