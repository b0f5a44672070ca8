import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createProbes } from "../registry.ts";
import { runProbe } from "../run-probe.ts";
import { cpuUtilization, judgeCpu, parseCpuTimes } from "./cpu.ts";
import { judgeDisks, mountAsker, type Space } from "./disks.ts";
import { judgeLoad, parseLoad } from "./load.ts";
import { judgeMachine, parseDistribution } from "./machine.ts";
import { judgeMemory, memoryUsedRatio, parseMemoryInfo } from "./memory.ts";
import { type Mount, parseMounts } from "./mounts.ts";
import { judgeNetwork, type NetworkSample, parseInterfaces } from "./network.ts";
import { judgePressure, parseStall } from "./pressure.ts";
import { chooseProcesses, type KnownProcess, nextKnown } from "./process-table.ts";
import { judgeProcesses, parseProcessState } from "./processes.ts";
import { judgeSwap, parseSwapPages, type SwapSample } from "./swap.ts";

const procFixture = fileURLToPath(new URL("../../fixtures/proc", import.meta.url));
const text = (path: string) => readFileSync(join(procFixture, path), "utf8");
const gib = 1024 ** 3;

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

describe("memory", () => {
  it("judges what is available, not what is free", () => {
    const info = parseMemoryInfo(text("meminfo"));
    expect(judgeMemory(info).state).toBe("healthy");
    expect(memoryUsedRatio(info)).toBeCloseTo(0.25);
  });

  it("is degraded below 5 % and unhealthy below 2 % available", () => {
    const at = (available: number) =>
      judgeMemory(
        new Map([
          ["MemTotal", 100],
          ["MemAvailable", available],
        ]),
      ).state;
    expect([at(5), at(4.9), at(2), at(1.9)]).toEqual(["healthy", "degraded", "degraded", "unhealthy"]);
  });

  it("does not guess availability from MemFree", () => {
    const judged = judgeMemory(parseMemoryInfo("MemTotal: 100 kB\nMemFree: 90 kB\n"));
    expect(judged.state).toBe("unknown");
    expect(judged.measures?.find(({ name }) => name === "memory_available_bytes")?.value).toBeNull();
  });
});

describe("swap", () => {
  const sample = (total: number, free: number, moved: number | null, atSeconds: number): SwapSample => ({
    info: new Map([
      ["SwapTotal", total],
      ["SwapFree", free],
    ]),
    pages: moved === null ? null : { in: moved, out: moved },
    atSeconds,
  });

  it("does not apply to a host without swap", () => {
    expect(judgeSwap(sample(0, 0, 0, 0), sample(0, 0, 0, 1)).state).toBe("not_applicable");
  });

  it("is degraded when nearly full or thrashing, not when merely used", () => {
    expect(judgeSwap(sample(100, 50, 0, 0), sample(100, 50, 10, 1)).state).toBe("healthy");
    expect(judgeSwap(sample(100, 4, 0, 0), sample(100, 4, 0, 1)).state).toBe("degraded");
    expect(judgeSwap(sample(100, 50, 0, 0), sample(100, 50, 900, 1)).state).toBe("degraded");
  });

  it("reads the page counters", () => {
    expect(parseSwapPages(text("vmstat"))).toEqual({ in: 100, out: 300 });
    expect(parseSwapPages("pswpin 1\n")).toBeNull();
  });
});

describe("disks", () => {
  const mount: Mount = {
    mountPoint: "/data",
    device: "/dev/nvme1n1",
    fileSystem: "xfs",
    readOnly: false,
    kernelReadOnly: false,
  };
  const space = (availableBytes: number, inodes: Space["inodes"] = null) =>
    ({ kind: "space", space: { totalBytes: 100 * gib, availableBytes, inodes } }) as const;
  const stateOf = (answer: Parameters<typeof judgeDisks>[0][number]["answer"], of: Mount = mount) =>
    judgeDisks([{ mount: of, answer }]).state;

  it("looks at each block device once and at nothing else", () => {
    expect(parseMounts(text("self/mountinfo")).map(({ mountPoint }) => mountPoint)).toEqual([
      "/",
      "/archive",
      "/boot/efi",
      "/data/training sets",
      "/scratch",
    ]);
  });

  it("tells a filesystem the kernel made read-only from one mounted so", () => {
    const mounts = new Map(parseMounts(text("self/mountinfo")).map((found) => [found.mountPoint, found]));
    expect(mounts.get("/scratch")).toMatchObject({ readOnly: true, kernelReadOnly: true });
    expect(mounts.get("/archive")).toMatchObject({ readOnly: true, kernelReadOnly: false });
    expect(stateOf(space(50 * gib), { ...mount, readOnly: true, kernelReadOnly: true })).toBe("unhealthy");
    expect(stateOf(space(0), { ...mount, readOnly: true })).toBe("healthy");
  });

  it("is degraded, then unhealthy, as space and inodes run out", () => {
    expect(stateOf(space(11 * gib))).toBe("healthy");
    expect(stateOf(space(9 * gib))).toBe("degraded");
    expect(stateOf(space(1 * gib))).toBe("unhealthy");
    expect(stateOf(space(50 * gib, { total: 100, free: 4 }))).toBe("degraded");
    expect(stateOf(space(50 * gib, { total: 100, free: 0 }))).toBe("unhealthy");
  });

  it("leaves a huge disk at 9 % alone: it has room for days", () => {
    const huge = { totalBytes: 20_000 * gib, availableBytes: 1800 * gib, inodes: null };
    expect(stateOf({ kind: "space", space: huge })).toBe("healthy");
  });

  it("is not applicable without block filesystems and unknown without an answer", () => {
    expect(judgeDisks([]).state).toBe("not_applicable");
    expect(stateOf({ kind: "failed", reason: "EACCES" })).toBe("unknown");
    const readings = judgeDisks([{ mount, answer: { kind: "failed", reason: "EACCES" } }]).measures ?? [];
    expect(readings.find(({ name }) => name === "filesystem_available_bytes")?.value).toBeNull();
  });

  it("gives up on a hung mount alone, does not ask it twice and keeps threads free", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const asked: string[] = [];
    const ask = mountAsker(
      (mountPoint) => {
        asked.push(mountPoint);
        return mountPoint.startsWith("/hung")
          ? new Promise<Space>(() => {})
          : Promise.resolve({ totalBytes: 1, availableBytes: 1, inodes: null });
      },
      () => 100,
    );
    const at = async (mountPoint: string) => {
      const answer = ask({ ...mount, mountPoint });
      await vi.advanceTimersByTimeAsync(2000);
      return (await answer).answer.kind;
    };
    expect(await at("/hung1")).toBe("hung");
    expect(await at("/fine")).toBe("space");
    expect(await at("/hung1")).toBe("hung");
    expect(await at("/hung2")).toBe("hung");
    expect(await at("/fine")).toBe("failed");
    expect(asked).toEqual(["/hung1", "/fine", "/hung2"]);
  });
});

describe("network", () => {
  const sample = (content: string, physical: string[] | null = ["eth0", "ib0"]): NetworkSample => ({
    interfaces: parseInterfaces(content),
    physical: physical === null ? null : new Set(physical),
  });
  const dev = text("net/dev");

  it("reads counters with and without a blank after the colon", () => {
    const interfaces = parseInterfaces(dev);
    expect([...interfaces.keys()]).toEqual(["lo", "eth0", "ib0"]);
    expect(interfaces.get("eth0")).toEqual({
      receive: { bytes: 5_000_000, packets: 40_000, errors: 3, drops: 7 },
      transmit: { bytes: 7_000_000, packets: 50_000, errors: 0, drops: 1 },
    });
  });

  it("judges new errors, not old totals", () => {
    expect(judgeNetwork(sample(dev), sample(dev)).state).toBe("healthy");
    const worse = dev.replace("5000000 40000 3 7", "5100000 41000 53 7");
    expect(judgeNetwork(sample(dev), sample(worse))).toMatchObject({
      state: "degraded",
      reason: "eth0 receive: 50 errors in 1000 packets",
    });
  });

  it("takes counters that went back as a reset, not as a fault", () => {
    const reset = dev.replace("5000000 40000 3 7", "5 4 0 0");
    expect(judgeNetwork(sample(dev), sample(reset))).toMatchObject({ state: "healthy" });
    expect(judgeNetwork(sample("Inter-|\n face |\n"), sample(dev)).state).toBe("unknown");
  });

  it("ignores interfaces without a device, and does not apply where there is none", () => {
    expect(judgeNetwork(sample(dev, []), sample(dev, [])).state).toBe("not_applicable");
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

describe("processes", () => {
  const known = (pid: number, fields: Partial<KnownProcess> = {}): KnownProcess => ({
    pid,
    name: "x",
    letter: "S",
    startTicks: 1,
    blockedRuns: 0,
    command: "",
    ...fields,
  });
  const table = (...processes: KnownProcess[]) => new Map(processes.map((each) => [each.pid, each]));

  it("reads names with blanks and brackets", () => {
    expect(parseProcessState(text("2/stat"))).toEqual({
      pid: 2,
      name: "train (rank 0) x",
      letter: "D",
      startTicks: 77,
    });
  });

  it("calls a process stuck only when two runs in a row see it in uninterruptible sleep", () => {
    const blocked = { pid: 7, name: "x", letter: "D", startTicks: 1 };
    const once = nextKnown(undefined, blocked);
    expect(judgeProcesses(table(once), []).state).toBe("healthy");
    expect(judgeProcesses(table(nextKnown(once, blocked)), []).state).toBe("degraded");
    const successor = nextKnown(once, { ...blocked, startTicks: 2 });
    expect(judgeProcesses(table(successor), []).state).toBe("healthy");
  });

  it("is degraded by many zombies and unhealthy when an expected process is missing", () => {
    const zombies = Array.from({ length: 50 }, (_, pid) => known(pid, { letter: "Z", command: null }));
    expect(judgeProcesses(table(...zombies.slice(1)), []).state).toBe("healthy");
    expect(judgeProcesses(table(...zombies), []).state).toBe("degraded");
    expect(judgeProcesses(table(known(1)), ["train.py"])).toMatchObject({
      state: "unhealthy",
      reason: 'no process matches "train.py"',
    });
  });

  it("does not take a zombie for the trainer it was", () => {
    const dead = known(1, { letter: "Z", command: "python train.py" });
    expect(judgeProcesses(table(dead), ["train.py"]).state).toBe("unhealthy");
  });

  it("is unknown, not unhealthy, when a process that was not readable may be the missing one", () => {
    expect(judgeProcesses(table(known(1, { command: null })), ["train.py"]).state).toBe("unknown");
  });

  it("reads new and suspect processes in every run and all others within sixteen", () => {
    const pids = Array.from({ length: 400 }, (_, index) => index + 1);
    const everyone = table(...pids.map((pid) => known(pid, pid === 399 ? { letter: "D" } : {})));
    const read = new Map<number, number>();
    let after = 0;
    for (let run = 0; run < 16; run += 1) {
      const chosen = chooseProcesses([...pids, 1000], everyone, after, ({ pid }) => pid === 300);
      after = chosen.after;
      for (const pid of chosen.chosen) read.set(pid, (read.get(pid) ?? 0) + 1);
    }
    expect([read.get(399), read.get(1000), read.get(300)]).toEqual([16, 16, 16]);
    expect(pids.every((pid) => read.has(pid))).toBe(true);
    expect(read.get(5)).toBeLessThan(3);
  });
});

describe("machine", () => {
  it("leaves out what the system does not tell", () => {
    const none = { distribution: "", kernel: "", architecture: "", cpuModel: " ", hardware: "" };
    expect(judgeMachine(none).state).toBe("unknown");
    expect(judgeMachine({ ...none, kernel: "6.8" }).details).toEqual({ kernel: "6.8" });
  });

  it("reads the distribution with and without quotes", () => {
    expect(parseDistribution('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04.2 LTS"\n')).toBe("Ubuntu 24.04.2 LTS");
    expect(parseDistribution("PRETTY_NAME=Alpine\n")).toBe("Alpine");
    expect(parseDistribution("ID=x\n")).toBe("");
  });
});

describe("all host probes on a tree of procfs files", () => {
  const run = async (procRoot: string, name: string, processPatterns: string[] = []) => {
    const nowSeconds = () => 1000;
    const options = { nvidiaSmi: "nvidia-smi", expectedGpus: null, procRoot, sysRoot: procRoot, nowSeconds };
    const probe = createProbes({ ...options, processPatterns }).find((found) => found.name === name);
    if (probe === undefined) throw new Error(`no probe ${name}`);
    return runProbe(probe, nowSeconds);
  };

  it("read the files and report with time and source", async () => {
    const { report, resources } = await run(procFixture, "memory");
    expect(report).toMatchObject({ check: "memory", state: "healthy", observedAt: 1000 });
    expect(report.readings[0]).toMatchObject({ name: "memory_total_bytes", observedAt: 1000 });
    expect(resources?.memoryUsedRatio).toBeCloseTo(0.25);
    expect((await run(procFixture, "load")).report.state).toBe("healthy");
    expect((await run(procFixture, "pressure")).report.state).toBe("healthy");
    expect((await run(procFixture, "network")).report.state).toBe("healthy");
    expect((await run(procFixture, "swap")).report.state).toBe("healthy");
    expect((await run(procFixture, "processes", ["/sbin/init", "train.py"])).report).toMatchObject({
      state: "unknown",
      details: { count: 2, unread: 1, matches: { "/sbin/init": 1, "train.py": 0 } },
    });
  });

  it("are unknown where the files are missing, and pressure does not apply", async () => {
    const empty = mkdtempSync(join(tmpdir(), "probes-"));
    onTestFinished(() => rmSync(empty, { recursive: true }));
    for (const name of ["cpu", "load", "memory", "swap", "disks", "network", "processes"]) {
      const { report } = await run(empty, name);
      expect([name, report.state, report.readings]).toEqual([name, "unknown", []]);
    }
    expect((await run(empty, "memory")).resources).toEqual({ memoryUsedRatio: null });
    expect((await run(empty, "pressure")).report.state).toBe("not_applicable");
  });

  it("are unknown where counters stand still, as in a copied tree", async () => {
    expect((await run(procFixture, "cpu")).report).toMatchObject({ state: "unknown" });
  });
});

describe("parsers given any text", () => {
  const parsers: readonly [string, (content: string) => unknown][] = [
    ["stat", parseCpuTimes],
    ["loadavg", parseLoad],
    ["meminfo", parseMemoryInfo],
    ["vmstat", parseSwapPages],
    ["net/dev", parseInterfaces],
    ["pressure/io", (content) => parseStall(content, "io")],
    ["self/mountinfo", parseMounts],
    ["2/stat", parseProcessState],
  ];

  it.each(parsers)("%s: gives finite numbers or a typed error", (fixture, parse) => {
    const real = text(fixture);
    const damaged = fc
      .tuple(fc.nat(real.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, cut, insert]) => real.slice(0, at) + insert + real.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged), (content) => {
        try {
          for (const number of numbersIn(parse(content))) {
            expect(Number.isFinite(number) && number >= 0).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_BAD_INPUT" });
        }
      }),
    );
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (value instanceof Map) return [...value.values()].flatMap(numbersIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(numbersIn);
  return [];
}
