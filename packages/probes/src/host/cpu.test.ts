import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cpuUtilization, judgeCpu, parseCpuTimes } from "./cpu.ts";
import { judgeLoad, parseLoad } from "./load.ts";
import { judgePressure, parseStall } from "./pressure.ts";

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/proc/${path}`, import.meta.url)), "utf8");

describe("cpu", () => {
  const before = parseCpuTimes(text("stat"));

  it("counts idle and I/O wait as not busy", () => {
    expect(before).toEqual({ busyTicks: 900, stealTicks: 50, totalTicks: 9100, cores: 2 });
  });

  it("is busy and healthy at full load", () => {
    const after = { ...before, busyTicks: before.busyTicks + 100, totalTicks: before.totalTicks + 100 };
    expect(cpuUtilization(before, after)).toBe(1);
    expect(judgeCpu(before, after).state).toBe("healthy");
  });

  it("is unknown when the counters did not move or went back", () => {
    expect(judgeCpu(before, before).state).toBe("unknown");
    expect(cpuUtilization(before, { ...before, totalTicks: 1 })).toBeNull();
  });

  it("refuses what is no /proc/stat", () => {
    for (const bad of ["", "cpu", "cpu 1 2 x 4\ncpu0 1 2 3 4", "cpu  1 2 3 4 5"]) {
      expect(() => parseCpuTimes(bad)).toThrowError(/does not have the expected form/);
    }
  });
});

describe("load", () => {
  it("is healthy however busy, until no host could work it off", () => {
    const load = parseLoad(text("loadavg"));
    expect(load).toEqual({ load1: 3.25, load5: 2.5, load15: 1.75, runnable: 4, tasks: 812 });
    expect(judgeLoad({ ...load, load15: 19 }, 2).state).toBe("healthy");
    expect(judgeLoad({ ...load, load15: 21 }, 2).state).toBe("degraded");
  });
});

describe("pressure", () => {
  it("reads the last minute as a ratio", () => {
    const stall = parseStall(text("pressure/cpu"), "cpu");
    expect(stall.some).toBeCloseTo(0.084);
    expect(stall.full).toBe(0);
  });

  it("is degraded when all tasks wait for memory, never for waiting cores", () => {
    const none = { some: 0, full: 0 };
    expect(judgePressure({ cpu: { some: 1, full: 1 }, memory: none, io: none }).state).toBe("healthy");
    expect(judgePressure({ cpu: none, memory: { some: 0.5, full: 0.2 }, io: none }).state).toBe("degraded");
    expect(judgePressure({ cpu: null, memory: null, io: null }).state).toBe("not_applicable");
  });
});
