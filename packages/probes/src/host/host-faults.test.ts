import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProbes } from "../registry.ts";
import { runProbe } from "../run-probe.ts";
import { judgeConntrack } from "./conntrack.ts";
import { askRuntime, judgeRuntimes } from "./container-runtime.ts";
import { type DiskCounters, judgeDiskIo, parseDisks } from "./disk-io.ts";
import { judgeDisks } from "./disks.ts";
import { judgeOpenFiles, parseOpenFiles } from "./files.ts";
import { remember, type SpaceHistory, secondsUntilFull } from "./fill-rate.ts";
import { type InfinibandPort, judgeInfiniband, parsePortRate, parsePortState } from "./infiniband.ts";
import { judgeKernel } from "./kernel-state.ts";
import { judgeServices, parsePopulated } from "./services.ts";

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));
const text = (path: string) => readFileSync(fixture(path), "utf8");

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "probes-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("disk latency", () => {
  const counters: DiskCounters = {
    reads: 100,
    bytesRead: 0,
    readMs: 50,
    writes: 100,
    bytesWritten: 0,
    writeMs: 50,
    inFlight: 0,
    busyMs: 80,
  };
  const judge = (later: Partial<DiskCounters>, earlier: Partial<DiskCounters> = {}) =>
    judgeDiskIo(
      { disks: new Map([["nvme0n1", { ...counters, ...earlier }]]), atSeconds: 0 },
      { disks: new Map([["nvme0n1", { ...counters, ...later }]]), atSeconds: 10 },
    );

  it("reads whole disks and leaves out their parts, images and unused devices", () => {
    const lines = [
      "   8       0 sda 10 0 80 5 20 0 160 7 0 9 12",
      "   8       1 sda1 10 0 80 5 20 0 160 7 0 9 12",
      " 259       0 nvme0n1 1 0 8 1 0 0 0 0 2 1 1 0 0 0 0",
      " 259       1 nvme0n1p1 1 0 8 1 0 0 0 0 0 1 1",
      "   7       0 loop0 10 0 80 5 20 0 160 7 0 9 12",
      " 253       0 vdb 0 0 0 0 0 0 0 0 0 0 0",
    ];
    const disks = parseDisks(lines.join("\n"));
    expect([...disks.keys()]).toEqual(["sda", "nvme0n1"]);
    expect(disks.get("sda")).toMatchObject({ reads: 10, bytesRead: 40_960, readMs: 5, bytesWritten: 81_920 });
  });

  it("is degraded by slow requests and unhealthy when none of those that wait is finished", () => {
    expect(judge({ reads: 150, readMs: 100 }).state).toBe("healthy");
    expect(judge({ reads: 150, readMs: 50_050 })).toMatchObject({ state: "degraded" });
    expect(judge({ reads: 101, readMs: 5050 }).state).toBe("healthy");
    expect(judge({ inFlight: 3 }, { inFlight: 2 }).state).toBe("unhealthy");
    expect(judge({ reads: 101, inFlight: 3 }, { inFlight: 2 }).state).toBe("healthy");
  });

  it("measures nothing where counters went back or nothing was asked", () => {
    const mean = (judged: ReturnType<typeof judge>) =>
      judged.measures?.find(({ name }) => name === "disk_request_mean_seconds");
    expect(mean(judge({ reads: 0 }))).toMatchObject({ value: null });
    expect(mean(judge({}))).toMatchObject({ value: null, absence: "not_applicable" });
    expect(mean(judge({ reads: 110, readMs: 150 }))?.value).toBeCloseTo(0.01);
  });
});

describe("the forecast of a filesystem", () => {
  const fill = (bytesPerMinute: number, minutes: number): SpaceHistory => {
    let history: SpaceHistory = [];
    for (let minute = 0; minute <= minutes; minute += 1)
      history = remember(history, { atSeconds: minute * 60, availableBytes: 1e12 - minute * bytesPerMinute });
    return history;
  };

  it("says nothing before a quarter of an hour, nor of space that does not shrink", () => {
    expect(secondsUntilFull(fill(1e9, 14))).toBeNull();
    expect(secondsUntilFull(fill(0, 60))).toBeNull();
    expect(secondsUntilFull(fill(-1e9, 60))).toBeNull();
  });

  it("is exact for a steady rate and forgets what is older than an hour", () => {
    expect(secondsUntilFull(fill(1e10, 50))).toBeCloseTo((5e11 / 1e10) * 60);
    expect(fill(1, 500).length).toBeLessThanOrEqual(64);
  });

  it("degrades a filesystem that is full within four hours", () => {
    const mount = {
      mountPoint: "/data",
      device: "/dev/sda",
      fileSystem: "xfs",
      readOnly: false,
      kernelReadOnly: false,
    };
    const space = { totalBytes: 1e12, availableBytes: 5e11, inodes: null };
    const at = (fullInSeconds: number | null) =>
      judgeDisks([{ mount, answer: { kind: "space", space }, fullInSeconds }]).state;
    expect([at(null), at(5 * 3600), at(3600)]).toEqual(["healthy", "healthy", "degraded"]);
  });
});

describe("open files and connections", () => {
  it("are judged by their share of the limit", () => {
    const files = (open: number) => judgeOpenFiles({ open, limit: 100 }).state;
    expect([files(80), files(81), files(96)]).toEqual(["healthy", "degraded", "unhealthy"]);
    const tracked = (count: number) => judgeConntrack(`${count}\n`, "100\n").state;
    expect([tracked(80), tracked(81), tracked(96)]).toEqual(["healthy", "degraded", "unhealthy"]);
  });

  it("of a kernel without them do not apply", () => {
    expect(judgeConntrack(null, null).state).toBe("not_applicable");
  });
});

describe("InfiniBand ports", () => {
  const port = (fields: Partial<InfinibandPort> = {}): InfinibandPort => ({
    name: "mlx5_0/1",
    state: "ACTIVE",
    physicalState: "LinkUp",
    gigabitsPerSecond: 400,
    faults: { symbol_error: 0, link_downed: 0 },
    ...fields,
  });
  const then = (first: InfinibandPort[], second: InfinibandPort[]) =>
    judgeInfiniband(second, judgeInfiniband(first, new Map()).seen).judgement;

  it("that never were active may have no cable", () => {
    expect(judgeInfiniband([port({ state: "DOWN" })], new Map()).judgement).toMatchObject({
      state: "healthy",
      reason: "0 of 1 ports active",
    });
  });

  it("that were active must stay so", () => {
    expect(then([port()], [port({ state: "DOWN", physicalState: "Polling" })])).toMatchObject({
      state: "unhealthy",
      reason: "mlx5_0/1 was active and is DOWN (Polling)",
    });
    expect(then([port()], []).state).toBe("unhealthy");
  });

  it("that wait for a subnet manager, became slow or count new errors are degraded", () => {
    expect(judgeInfiniband([port({ state: "INIT" })], new Map()).judgement.state).toBe("degraded");
    expect(then([port()], [port({ gigabitsPerSecond: 100 })]).state).toBe("degraded");
    expect(then([port()], [port({ faults: { link_downed: 1 } })]).state).toBe("degraded");
    expect(then([port()], [port({ faults: { symbol_error: 99 } })]).state).toBe("healthy");
    expect(then([port()], [port({ faults: { symbol_error: 100 } })]).state).toBe("degraded");
  });

  it("whose state cannot be read are unknown, and without any port the check does not apply", () => {
    expect(judgeInfiniband([port({ state: null })], new Map()).judgement.state).toBe("unknown");
    expect(judgeInfiniband([], new Map()).judgement.state).toBe("not_applicable");
  });
});

describe("the kernel's state", () => {
  it("tells foreign modules, as GPU drivers are, from trouble", () => {
    expect(judgeKernel(1 + 2 ** 12 + 2 ** 13, false).state).toBe("healthy");
    expect(judgeKernel(2 ** 4 + 1, false)).toMatchObject({
      state: "degraded",
      reason: "a machine check was reported",
    });
    expect(judgeKernel(0, true)).toMatchObject({ state: "healthy", reason: "updates wait for a reboot" });
  });
});

describe("systemd units", () => {
  it("that are enabled must have a process", () => {
    expect(judgeServices([]).state).toBe("not_applicable");
    expect(judgeServices([{ name: "docker.service", running: true }]).state).toBe("healthy");
    expect(judgeServices([{ name: "docker.service", running: false }]).state).toBe("degraded");
    expect(judgeServices([{ name: "docker.service", running: null }]).state).toBe("unknown");
    expect(parsePopulated("populated 0\nfrozen 0\n")).toBe(false);
  });
});

describe("a container runtime", () => {
  const listen = (path: string, answer: string | null) =>
    new Promise<void>((resolve) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        if (answer !== null) socket.end(answer);
      }).listen(path, resolve);
      onTestFinished(() => void server.close());
    });
  const docker = { runtime: "docker", request: "GET /_ping HTTP/1.0\r\n\r\n", expects: /^HTTP\/1\.\d 200 / };

  it("is alive when its socket answers", async () => {
    const path = join(folder(), "docker.sock");
    await listen(path, "HTTP/1.0 200 OK\r\n\r\nOK");
    expect((await askRuntime(path, docker)).answer).toBe("alive");
  });

  it("is not alive when it answers with an error, or nobody listens", async () => {
    const path = join(folder(), "docker.sock");
    await listen(path, "HTTP/1.0 500 Internal Server Error\r\n\r\n");
    expect((await askRuntime(path, docker)).answer).toBe("silent");
    const dead = join(folder(), "dead.sock");
    writeFileSync(dead, "");
    expect((await askRuntime(dead, docker)).answer).toBe("refused");
  });

  it("that may not be asked is unknown", () => {
    expect(judgeRuntimes([{ runtime: "docker", answer: "denied" }]).state).toBe("unknown");
    expect(judgeRuntimes([]).state).toBe("not_applicable");
  });
});

describe("the probes on trees of files", () => {
  const nowSeconds = () => 1000;
  const run = async (name: string, roots: Partial<Parameters<typeof createProbes>[0]>) => {
    const options = { nvidiaSmi: "nvidia-smi", expectedGpus: null, nowSeconds, ...roots };
    const probe = createProbes(options).find((found) => found.name === name);
    if (probe === undefined) throw new Error(`no probe ${name}`);
    return (await runProbe(probe, nowSeconds)).report;
  };
  const real = { procRoot: fixture("proc"), sysRoot: fixture("sys") };

  it("read what is there", async () => {
    expect(await run("files", real)).toMatchObject({ state: "healthy" });
    expect(await run("conntrack", real)).toMatchObject({ state: "healthy", details: { count: 812 } });
    expect(await run("kernel", { ...real, runRoot: folder() })).toMatchObject({ state: "healthy" });
    expect(await run("disk-io", real)).toMatchObject({ state: "healthy" });
    expect(await run("infiniband", real)).toMatchObject({ state: "healthy", reason: "1 of 2 ports active" });
  });

  it("judge the enabled units of a host that systemd runs", async () => {
    const runRoot = folder();
    const etcRoot = folder();
    const wants = join(etcRoot, "systemd/system/multi-user.target.wants");
    mkdirSync(join(runRoot, "systemd/system"), { recursive: true });
    mkdirSync(wants, { recursive: true });
    writeFileSync(join(wants, "docker.service"), "");
    expect(await run("services", { ...real, runRoot, etcRoot })).toMatchObject({ state: "healthy" });
    writeFileSync(join(wants, "kubelet.service"), "");
    expect(await run("services", { ...real, runRoot, etcRoot })).toMatchObject({
      state: "degraded",
      reason: "enabled and without a process: kubelet.service",
    });
    expect((await run("services", { ...real, runRoot: folder(), etcRoot })).state).toBe("not_applicable");
  });

  it("are unknown or do not apply where nothing is there", async () => {
    const empty = folder();
    symlinkSync("/nowhere", join(empty, "sys"));
    const roots = { procRoot: empty, sysRoot: join(empty, "sys"), etcRoot: empty, runRoot: empty };
    for (const name of ["files", "kernel", "disk-io"]) expect((await run(name, roots)).state).toBe("unknown");
    for (const name of ["conntrack", "infiniband", "services", "container-runtime", "clock"])
      expect((await run(name, roots)).state).toBe("not_applicable");
  });
});

describe("parsers given any text", () => {
  const damaged = (real: string) =>
    fc
      .tuple(fc.nat(real.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, cut, insert]) => real.slice(0, at) + insert + real.slice(at + cut));

  it.each([
    ["proc/diskstats", (content: string) => [...parseDisks(content).values()].flatMap(Object.values)],
    ["proc/sys/fs/file-nr", (content: string) => Object.values(parseOpenFiles(content))],
    ["sys/class/infiniband/mlx5_0/ports/1/rate", (content: string) => [parsePortRate(content) ?? 0]],
    [
      "sys/class/infiniband/mlx5_0/ports/1/state",
      (content: string) => [parsePortState(content)?.length ?? 0],
    ],
    [
      "sys/fs/cgroup/system.slice/docker.service/cgroup.events",
      (content: string) => [Number(parsePopulated(content))],
    ],
  ])("%s: gives finite numbers or a typed error", (path, parse) => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged(text(path))), (content) => {
        try {
          for (const number of parse(content)) expect(Number.isFinite(number) && number >= 0).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_BAD_INPUT" });
        }
      }),
    );
  });
});
