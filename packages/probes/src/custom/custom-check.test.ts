import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { runProbe } from "../run-probe.ts";
import { type CheckDefinition, loadChecksFolder, parseChecksFile } from "./check-definition.ts";
import { createCustomCheck, createCustomChecks } from "./custom-check.ts";
import { createTextfiles } from "./textfiles.ts";

const nowSeconds = () => Date.now() / 1000;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "custom-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function script(path: string, body: string): string {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

const check = (command: readonly string[], fields: Partial<CheckDefinition> = {}) =>
  createCustomCheck(
    { name: "test", command, intervalSeconds: 60, timeoutSeconds: 10, confirmRuns: 1, ...fields },
    nowSeconds,
  );
const reportOf = async (probe: ReturnType<typeof check>) => (await runProbe(probe, nowSeconds)).report;

describe("a custom check", () => {
  it("runs a program without a shell and reads its answer", async () => {
    const program = script(join(folder(), "check"), 'echo "$1 | n=3"; exit 1');
    expect(await reportOf(check([program, "a; b $HOME"]))).toMatchObject({
      check: "custom.test",
      state: "degraded",
      reason: "a; b $HOME",
      readings: [{ name: "custom_check_value", labels: { check: "custom.test", label: "n" }, value: 3 }],
    });
  });

  it("is unknown when its program is missing or prints without end", async () => {
    expect(await reportOf(check(["/nowhere/check"]))).toMatchObject({
      state: "unknown",
      reason: "/nowhere/check does not exist",
    });
    const flood = script(join(folder(), "check"), "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done");
    expect((await reportOf(check([flood]))).reason).toContain("printed more than 65536 bytes");
  });

  it("ends at its time-out with all that it started", async () => {
    const place = folder();
    const program = script(join(place, "check"), `sleep 600 & echo $! > ${place}/pid; wait`);
    const report = await reportOf(check([program], { timeoutSeconds: 1 }));
    expect(report).toMatchObject({ state: "unknown", reason: "gave no answer within 1 s and was ended" });
    const pid = Number(readFileSync(join(place, "pid"), "utf8"));
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
  });

  it.each([
    ["in its group", '"$1" >/dev/null 2>&1 &'],
    ["in a session of its own", 'setsid "$1" >/dev/null 2>&1 &'],
    ["orphaned, with the pipes in hand", '(setsid sh -c \'"$0" & wait\' "$1" &)'],
  ])("ends by itself and takes what it left with it: %s", async (_, background) => {
    const place = folder();
    const left = script(join(place, "left"), `echo $$ > ${place}/pid; exec sleep 600`);
    const wait = `until [ -s ${place}/pid ]; do sleep 0.01; done`;
    const program = script(join(place, "check"), `${background}\n${wait}\necho fine`);
    const report = await reportOf(check([program, left], { timeoutSeconds: 60 }));
    expect(report).toMatchObject({ state: "healthy", reason: "fine" });
    const pid = Number(readFileSync(join(place, "pid"), "utf8"));
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
  });

  it("tells of a fault once enough runs in a row have seen it", async () => {
    const place = folder();
    const program = script(join(place, "check"), `exit $(cat ${place}/code)`);
    const probe = check([program], { confirmRuns: 2 });
    const states: string[] = [];
    for (const code of [0, 2, 0, 2, 2]) {
      writeFileSync(join(place, "code"), String(code));
      states.push((await reportOf(probe)).state);
    }
    expect(states).toEqual(["healthy", "healthy", "healthy", "healthy", "unhealthy"]);
  });
});

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended; whoever runs the tests may be slow to collect it.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("custom checks that are read again", () => {
  const one = (name: string, code: number) => `  - {name: ${name}, command: [sh, -c, "exit ${code}"]}\n`;
  const names = (checks: ReturnType<typeof createCustomChecks>) => checks.probes.map(({ name }) => name);

  it("keep what did not change, and stay as they were when the file is bad", () => {
    const checksFile = join(folder(), "checks.yaml");
    writeFileSync(checksFile, `checks:\n${one("a", 0)}${one("b", 0)}`);
    const checks = createCustomChecks({ checksFile, checksDir: null }, nowSeconds);
    const before = checks.probes;
    writeFileSync(checksFile, `checks:\n${one("a", 0)}${one("b", 1)}${one("c", 0)}`);
    checks.reload();
    expect(names(checks)).toEqual(["custom.a", "custom.b", "custom.c"]);
    expect(checks.probes[0]).toBe(before[0]);
    expect(checks.probes[1]).not.toBe(before[1]);
    const good = checks.probes;
    writeFileSync(checksFile, `checks:\n${one("a", 0)}${one("A", 0)}`);
    expect(() => checks.reload()).toThrow("checks.1.name");
    expect(checks.probes).toEqual(good);
  });

  it("end the run of one that is gone", async () => {
    const place = folder();
    const checksFile = join(place, "checks.yaml");
    const program = script(join(place, "check"), `echo $$ > ${place}/pid; exec sleep 600`);
    writeFileSync(checksFile, `checks:\n  - {name: a, command: [${program}], timeoutSeconds: 60}\n`);
    const checks = createCustomChecks({ checksFile, checksDir: null }, nowSeconds);
    const run = Promise.all(checks.probes.map(reportOf));
    const pid = await vi.waitFor(() => Number(/^\d+\n$/.exec(readFileSync(join(place, "pid"), "utf8"))), {
      timeout: 20_000,
    });
    writeFileSync(checksFile, "checks: []\n");
    checks.reload();
    expect(names(checks)).toEqual([]);
    expect((await run)[0]?.state).toBe("unknown");
    expect(isAlive(pid)).toBe(false);
  });
});

describe("definitions of custom checks", () => {
  it("are read from YAML with their defaults", () => {
    expect(
      parseChecksFile("checks:\n  - name: load\n    command: [check_load, -w, '5']\n", "c.yaml"),
    ).toEqual([
      {
        name: "load",
        command: ["check_load", "-w", "5"],
        intervalSeconds: 60,
        timeoutSeconds: 10,
        confirmRuns: 2,
      },
    ]);
  });

  it("of another form are refused with the place", () => {
    const message = (text: string) => {
      try {
        parseChecksFile(text, "c.yaml");
      } catch (error) {
        return String(error);
      }
      return "accepted";
    };
    expect(message("checks: [{name: Load, command: [x]}]")).toContain("checks.0.name");
    expect(message("checks: [{name: load, command: 'x y'}]")).toContain("checks.0.command");
    expect(message("checks: [{name: a, command: [x], shell: true}]")).toContain("shell");
    expect(message("checks: [{name: a, command: [x]}, {name: a, command: [y]}]")).toContain("two checks");
    expect(message("checks: [")).toContain("c.yaml");
  });

  it("may be a folder of programs, none of which others may write", () => {
    const place = folder();
    script(join(place, "check-disk.sh"), "exit 0");
    writeFileSync(join(place, "README"), "no program");
    expect(loadChecksFolder(place).map(({ name }) => name)).toEqual(["check-disk"]);
    chmodSync(join(place, "check-disk.sh"), 0o777);
    expect(() => loadChecksFolder(place)).toThrow(/may write it/);
  });
});

describe("a folder of metric files", () => {
  it("offers the series of fresh and whole files, and tells of the others", async () => {
    const place = folder();
    writeFileSync(join(place, "good.prom"), '# TYPE jobs_total counter\njobs_total{queue="a b"} 3\n');
    writeFileSync(join(place, "half.prom"), "jobs_total{queue=\n");
    writeFileSync(join(place, "old.prom"), "age 1\n");
    utimesSync(join(place, "old.prom"), nowSeconds() - 7200, nowSeconds() - 7200);
    writeFileSync(join(place, "note.txt"), "no metrics");
    const textfiles = createTextfiles(place, nowSeconds);
    const { report } = await runProbe(textfiles.probe, nowSeconds);
    expect(report.state).toBe("degraded");
    expect(report.reason).toMatch(/^half\.prom line 1 .*; old\.prom is 120 minutes old$/);
    expect(textfiles.families()).toEqual([
      {
        name: "jobs_total",
        type: "counter",
        help: "From a text file on this host.",
        samples: [{ name: "jobs_total", labels: { queue: "a b" }, value: 3 }],
      },
    ]);
  });

  it("is unknown when it cannot be read, and then offers nothing", async () => {
    const textfiles = createTextfiles("/nowhere", nowSeconds);
    expect((await runProbe(textfiles.probe, nowSeconds)).report.state).toBe("unknown");
    expect(textfiles.families()).toEqual([]);
  });
});
