import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readState, StateWriter, type SupervisorState } from "./supervisor-state.ts";

vi.setConfig({ testTimeout: 30_000 });

let folder = "";
let told: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "state-"));
  told = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const path = (): string => join(folder, "state.json");
const tell = (text: string): number => told.push(text);
const memory = {
  restarts: 3,
  attempt: 1,
  crashLooping: false,
  deathAgesMs: [5],
  stopped: false,
  lastExit: { text: "exited with code 1", ageMs: 5 },
};
const run = { pid: 100, startTicks: 7, token: "s:a:1", ready: true, ageMs: 9 };
const state = (savedAtMs: number): SupervisorState => ({
  schema: 1,
  bootId: "b",
  savedAtMs,
  daemons: { a: { memory, run, definition: "d" } },
});

it("is read back as it was written, of several changes the last, with nothing lying beside it", async () => {
  const writer = new StateWriter(path(), tell);
  for (let i = 0; i < 10; i += 1) writer.save(() => state(i));
  await writer.close();
  expect(readState(path(), tell)).toEqual(state(9));
  expect(readdirSync(folder)).toEqual(["state.json"]);
  expect(told).toEqual([]);
});

it("is on disk when a flush resolves, also one that was asked for while something older was being written", async () => {
  const writer = new StateWriter(path(), tell);
  for (let i = 0; i < 20; i += 1) {
    writer.save(() => state(i));
    const flushed = writer.flush();
    writer.save(() => state(i + 0.5));
    await Promise.all([flushed, writer.flush()]);
    expect(readState(path(), tell)?.savedAtMs).toBe(i + 0.5);
  }
  await writer.close();
});

it("is not written when there is no news", async () => {
  const writer = new StateWriter(path(), tell);
  writer.save(() => null);
  await writer.close();
  expect(readdirSync(folder)).toEqual([]);
});

it("is written as soon as the disk takes it again, and the failure told once", async () => {
  mkdirSync(`${path()}.part`);
  const writer = new StateWriter(path(), tell);
  writer.save(() => state(1));
  await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 15_000 });
  rmSync(`${path()}.part`, { recursive: true });
  await vi.waitFor(() => expect(readState(path(), tell)).toEqual(state(1)), { timeout: 15_000 });
  await writer.close();
  expect(told).toHaveLength(1);
});

it.each([
  ["cut in the middle", JSON.stringify(state(1)).slice(0, 80)],
  ["of a newer schema", JSON.stringify({ ...state(1), schema: 2 })],
  ["naming pid 1", JSON.stringify(state(1)).replace('"pid":100', '"pid":1')],
  ["binary", "\0\u0001\u0002"],
])("is set aside and told of when it is %s", (_, text) => {
  writeFileSync(path(), text);
  expect(readState(path(), tell)).toBeNull();
  expect(told).toHaveLength(1);
  expect(readFileSync(`${path()}.bad`, "utf8")).toBe(text);
  expect(readState(path(), tell)).toBeNull();
});
