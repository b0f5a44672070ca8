import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runProbe } from "../run-probe.ts";
import { type ClockOptions, createClockProbe } from "./clock-probe.ts";
import { createKernelClock } from "./kernel-clock.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "clock-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const wall = 1_700_000_000;

function host(options: Partial<ClockOptions> = {}): ClockOptions & { readonly runRoot: string } {
  const root = folder();
  const runRoot = join(root, "run");
  return {
    roots: { procRoot: join(root, "proc"), sysRoot: join(root, "sys"), runRoot, stateRoot: root },
    runRoot,
    nowSeconds: () => wall,
    wallSeconds: () => wall,
    steadySeconds: () => 0,
    limitSeconds: 0.5,
    ...options,
  };
}

const reportOf = async (options: ClockOptions) =>
  (await runProbe(createClockProbe(options), () => wall)).report;

describe("the clock's probe", () => {
  it("takes the marker of systemd-timesyncd for as long as the kernel would", async () => {
    const options = host();
    const marker = join(options.runRoot, "systemd/timesync/synchronized");
    mkdirSync(join(options.runRoot, "systemd/timesync"), { recursive: true });
    expect(await reportOf(options)).toMatchObject({
      state: "degraded",
      reason: "systemd-timesyncd runs and follows no time source",
    });
    writeFileSync(marker, "");
    utimesSync(marker, wall - 4000, wall - 4000);
    expect(await reportOf(options)).toMatchObject({
      state: "healthy",
      reason: "systemd-timesyncd keeps the clock",
    });
    utimesSync(marker, wall - 40_000, wall - 40_000);
    expect((await reportOf(options)).state).toBe("degraded");
  });

  it("sees the clock being set", async () => {
    const clock = { wall, steady: 0 };
    const probe = createClockProbe(
      host({ wallSeconds: () => clock.wall, steadySeconds: () => clock.steady }),
    );
    await runProbe(probe, () => wall);
    clock.wall += 40;
    clock.steady += 30;
    expect((await runProbe(probe, () => wall)).report).toMatchObject({
      state: "degraded",
      reason: "the clock was set by 10.0 s since the last run",
    });
  });

  it("asks the kernel only where systemd runs the host and no time service is known", async () => {
    let asked = 0;
    const kernelClock = async () => {
      asked += 1;
      return { synchronized: true, at: wall };
    };
    const options = host({ kernelClock });
    expect((await reportOf(options)).state).toBe("not_applicable");
    mkdirSync(join(options.runRoot, "systemd/system"), { recursive: true });
    expect(await reportOf(options)).toMatchObject({ state: "healthy", reason: "the kernel's clock is kept" });
    mkdirSync(join(options.runRoot, "systemd/timesync"), { recursive: true });
    await reportOf(options);
    expect(asked).toBe(1);
  });
});

describe("the kernel's word by timedatectl", () => {
  const signal = new AbortController().signal;
  const program = (body: string): string => {
    const path = join(folder(), "timedatectl");
    writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  };

  it("is asked for once in a quarter of an hour", async () => {
    let now = wall;
    const log = join(folder(), "log");
    const ask = createKernelClock(() => now, program(`echo "$@" >> ${log}; echo NTPSynchronized=yes`));
    expect(await ask(signal)).toEqual({ synchronized: true, at: wall });
    rmSync(log);
    now += 800;
    expect(await ask(signal)).toEqual({ synchronized: true, at: wall });
    now += 200;
    expect(await ask(signal)).toEqual({ synchronized: true, at: wall + 1000 });
  });

  it.each(["echo NTPSynchronized=no", "exit 1", "echo Synchronized=maybe"])("may be: %s", async (body) => {
    const answer = await createKernelClock(() => wall, program(body))(signal);
    expect(answer?.synchronized ?? null).toBe(body.includes("=no") ? false : null);
  });

  it("is unknown where the program is missing", async () => {
    expect(await createKernelClock(() => wall, "/nowhere/timedatectl")(signal)).toBeNull();
  });
});
