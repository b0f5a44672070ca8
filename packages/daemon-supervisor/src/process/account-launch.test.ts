import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DaemonDefinition } from "../definition/definition.ts";
import { furtherGroups } from "../definition/definition-host.ts";
import { readDefinitions } from "../definition/definition-reader.ts";
import { createDaemonManager } from "../manager.ts";
import type { DaemonManager } from "../manager-options.ts";
import { findProgram, launchOf } from "./account-launch.ts";

let folder = "";
let manager: DaemonManager | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "account-"));
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  rmSync(folder, { recursive: true });
});

const user = { name: "nobody", uid: 65_534, gid: 65_534, groups: [4, 20], home: "/nonexistent" };
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 20 });

async function started(daemon: Record<string, unknown>, account = user): Promise<DaemonManager> {
  const { definitions, problems } = readDefinitions({ daemons: [{ name: "a", ...daemon }] });
  expect(problems).toEqual([]);
  manager = createDaemonManager({
    definitions: definitions.map((one): DaemonDefinition => ({ ...one, user: account })),
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
  });
  await manager.start();
  return manager;
}

/** Changing the account needs root. */
describe.runIf(process.getuid?.() === 0)("a daemon with an account", () => {
  it("has its user, its group and its further groups, and none of the supervisor's", async () => {
    const daemons = await started({ command: ["sleep", "1000"] });
    await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running" }]));
    const pid = daemons.daemons()[0]?.pid;
    // Between its start and its exec it is still setpriv.
    await until(() => expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("sleep\n"));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^Groups:\t4 20 65534 $/m);
  });

  it("without further groups is in none", async () => {
    const daemons = await started({ command: ["sleep", "1000"] }, { ...user, groups: [] });
    await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running" }]));
    const status = readFileSync(`/proc/${daemons.daemons()[0]?.pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t/m);
    expect(status).toMatch(/^Groups:\t $/m);
  });

  it("and a program that is missing is refused, not restarted", async () => {
    const daemons = await started({ command: ["no-such-program-here"] });
    await until(() =>
      expect(daemons.daemons()).toMatchObject([
        { state: "start_refused", reason: "program no-such-program-here not found" },
      ]),
    );
  });

  it("runs its health checks under it too", async () => {
    const daemons = await started({
      command: ["sleep", "1000"],
      liveness: { exec: ["/bin/sh", "-c", 'echo "$(id -u) $(id -G) $USER" >&2; exit 1'] },
    });
    await until(() => expect(daemons.daemons()[0]?.reason).toContain("65534 65534 4 20 nobody"));
  });
});

it("finds a program as the kernel's callers do: by its path, or in the first folder that has it", () => {
  for (const name of ["one", "two"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "tool"), "", { mode: name === "one" ? 0o600 : 0o700 });
  }
  const path = `${folder}/none:${folder}/one:${folder}/two`;
  expect(findProgram("tool", { path })).toBe(join(folder, "two", "tool"));
  expect(findProgram("./tool", { cwd: join(folder, "two"), path: "" })).toBe(join(folder, "two", "tool"));
  expect(() => findProgram("tool", { path: `${folder}/one` })).toThrow("EACCES");
  expect(() => findProgram(join(folder, "one"))).toThrow("EACCES");
  expect(() => findProgram("tool", { path: `${folder}/none` })).toThrow("ENOENT");
});

it("starts a program directly where no further groups have to be given", () => {
  const place = { cwd: null, path: undefined };
  expect(launchOf(["a", "b"], null, place)).toEqual({ program: "a", args: ["b"], account: null });
  const plain = { ...user, groups: [] };
  expect(launchOf(["a"], plain, place)).toEqual({ program: "a", args: [], account: plain });
});

it("takes all groups of an account but its first from what the host says", () => {
  expect(furtherGroups("1000 4 27 44\n", 1000)).toEqual([4, 27, 44]);
  expect(furtherGroups("1000\n", 1000)).toEqual([]);
  expect(furtherGroups("", 1000)).toEqual([]);
});
