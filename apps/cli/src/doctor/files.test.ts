import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@ringrift/config";
import { afterAll, describe, expect, it } from "vitest";
import { checkDataDir, checkFiles } from "./files.ts";

const directory = mkdtempSync(join(tmpdir(), "doctor-files-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("the data directory", () => {
  it("is written to where it is there, and nothing is left in it", () => {
    expect(checkDataDir(directory)).toMatchObject({ state: "ok", text: `${directory} can be written` });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("need not be there yet, and is not made", () => {
    expect(checkDataDir(join(directory, "a/b"))).toMatchObject({
      state: "ok",
      text: `${directory}/a/b will be made in ${directory}`,
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is refused where nothing can be made, with what to do", () => {
    const found = checkDataDir("/proc/ringrift");
    expect(found).toMatchObject({ state: "failed", nextStep: expect.stringContaining("RINGRIFT_DATA_DIR") });
  });
});

it("an empty token and a bad definition of an own check are told by their files", () => {
  const [token, checks] = [join(directory, "token"), join(directory, "checks.yaml")];
  writeFileSync(token, "\n", { mode: 0o600 });
  writeFileSync(checks, "checks:\n  - name: Bad Name\n");
  const env = { RINGRIFT_API_TOKEN_FILE: token, RINGRIFT_CHECKS_FILE: checks };
  expect(checkFiles(loadConfig("node-agent", { env }))).toMatchObject([
    { check: "API token", state: "failed", text: expect.stringContaining(token) },
    { check: "own checks", state: "failed", text: expect.stringContaining("checks.yaml") },
  ]);
  expect(checkFiles(loadConfig("node-agent", { env: {} }))).toEqual([]);
});
