import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LogFile, readTail } from "./log-file.ts";

vi.setConfig({ testTimeout: 30_000 });

let folder = "";
let told: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const file = (maxBytes = 1000, files = 3): LogFile =>
  new LogFile(join(folder, "log"), { maxBytes, files }, (text) => told.push(text));
const read = (name = "log"): string => readFileSync(join(folder, name), "utf8");

it("appends to what is there", async () => {
  for (const text of ["one\n", "two\n"]) {
    const log = file();
    log.append(bytes(text), 1);
    await log.close();
  }
  expect(read()).toBe("one\ntwo\n");
});

it("keeps so many files of at most such a size, the youngest first", async () => {
  const log = file(100, 3);
  for (let i = 0; i < 100; i += 1) {
    log.append(bytes(`${String(i).padStart(9, "0")}\n`), 1);
    if (i % 7 === 0) await log.close();
  }
  await log.close();
  expect(readdirSync(folder).sort()).toEqual(["log", "log.1", "log.2"]);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100);
  const kept = (read("log.2") + read("log.1") + read()).trim().split("\n").map(Number);
  expect(kept).toEqual(kept.map((_, i) => 99 - kept.length + 1 + i));
  expect(log.droppedLines).toBe(0);
});

it("begins its only file anew when there is to be but one", async () => {
  const log = file(100, 1);
  for (let i = 0; i < 15; i += 1) log.append(bytes("123456789\n"), 1);
  await log.close();
  expect(readdirSync(folder)).toEqual(["log"]);
  expect(read()).toHaveLength(50);
});

it("drops and counts what a full disk does not take, tells of it once, and resumes", async () => {
  symlinkSync("/dev/full", join(folder, "log"));
  const log = file();
  log.append(bytes("one\n"), 1);
  await log.close();
  log.append(bytes("two\nthree\n"), 2);
  await log.close();
  expect(log.droppedLines).toBe(3);
  expect(log.problem).toContain("ENOSPC");
  expect(told).toHaveLength(1);
  rmSync(join(folder, "log"));
  await vi.waitFor(
    async () => {
      log.append(bytes("four\n"), 1);
      await log.close();
      expect(log.problem).toBeNull();
    },
    { timeout: 15_000, interval: 50 },
  );
  expect(read()).toBe("four\n");
});

it("notices that its directory was removed, tells of it and begins anew", async () => {
  const log = file();
  log.append(bytes("one\n"), 1);
  await vi.waitFor(() => expect(read()).toBe("one\n"), { timeout: 15_000 });
  rmSync(folder, { recursive: true });
  log.append(bytes("two\n"), 1);
  await log.close();
  expect(read()).toBe("two\n");
  expect(told.join()).toContain("removed");
});

it("keeps at most a megabyte waiting for the disk, and counts the rest exactly", async () => {
  const log = file(100_000_000);
  const block = new Uint8Array(100_000).fill(120);
  for (let i = 0; i < 50; i += 1) log.append(block, 10);
  expect(log.droppedLines).toBe(400);
  await log.close();
  expect(statSync(join(folder, "log")).size).toBe(1_000_000);
});

it("reads back the last lines only, and nothing of what is not there", async () => {
  const log = file();
  log.append(bytes("first\nsecond\nthird\n"), 3);
  await log.close();
  expect(readTail(join(folder, "log"), 10)).toBe("third\n");
  expect(readTail(join(folder, "log"), 1000)).toBe("first\nsecond\nthird\n");
  expect(readTail(join(folder, "nothing"), 10)).toBe("");
});
