import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createProgramRunner } from "./program-run.ts";

const folder = mkdtempSync(join(tmpdir(), "ringrift-program-"));
const notAborted = new AbortController().signal;
const run = (program: string) =>
  createProgramRunner({ program, timeoutMs: 20_000, nowSeconds: () => 0 })([], notAborted);

function addProgram(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, "#!/bin/sh\necho here\n");
  chmodSync(path, mode);
  return path;
}

beforeEach(() => mkdirSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it("finds a program in any folder of PATH, as soon as it is installed there", async () => {
  vi.stubEnv("PATH", `/nowhere:${folder}:${process.env.PATH}`);
  expect(await run("late-program")).toEqual({ kind: "missing" });
  addProgram("late-program", 0o755);
  expect(await run("late-program")).toMatchObject({ kind: "exited", code: 0, stdout: "here\n" });
});

it("tells a program that is not there from one that may not be run", async () => {
  expect(await run(join(folder, "none"))).toEqual({ kind: "missing" });
  expect(await run(addProgram("locked", 0o644))).toMatchObject({ kind: "failed" });
});
