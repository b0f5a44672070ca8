import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createGpuRoster } from "../nvidia/gpu-roster.ts";
import { runProbe } from "../run-probe.ts";
import { createKernelLog, type KernelLog } from "./kernel-log.ts";
import { createKernelLogProbes } from "./kernel-log-probes.ts";

const nowSeconds = () => Date.now() / 1000;
const bootId = "1a2112ab-6343-415e-ad5a-e621e3f7f224";
const xid = (code: number, bus = "3b") =>
  `NVRM: Xid (PCI:0000:${bus}:00): ${code}, pid=7, name=python, words`;
const fakeJournalctl = fileURLToPath(new URL("../../fixtures/journalctl-fake.mjs", import.meta.url));

interface Host {
  readonly folder: string;
  readonly log: string;
  /** A start of the agent: it knows what the one before has saved. */
  start(options?: { readonly log?: string; readonly boot?: string }): KernelLog;
}

function host(): Host {
  const folder = mkdtempSync(join(tmpdir(), "kernel-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = join(folder, "kern.log");
  writeFileSync(log, "");
  mkdirSync(join(folder, "proc/sys/kernel/random"), { recursive: true });
  writeFileSync(join(folder, "proc/sys/kernel/random/boot_id"), `${bootId}\n`);
  return {
    folder,
    log,
    start: (options = {}) => {
      const { boot = bootId } = options;
      writeFileSync(join(folder, "proc/sys/kernel/random/boot_id"), `${boot}\n`);
      const started = createKernelLog({
        log: options.log ?? log,
        memoryFile: join(folder, "memory.json"),
        procRoot: join(folder, "proc"),
        roster: createGpuRoster(),
        nowSeconds,
        journalctl: fakeJournalctl,
      });
      onTestFinished(() => started.close());
      return started;
    },
  };
}

const write = (path: string, ...lines: string[]) =>
  appendFileSync(path, lines.map((line) => `${line}\n`).join(""));
async function news(log: KernelLog): Promise<(number | null)[]> {
  const { faults } = await log.poll();
  return faults.errors(nowSeconds()).flatMap((error) => (error.toldBefore ? [] : [error.xid]));
}

describe("a kernel log in a file", () => {
  it("is followed line by line; half a line waits for its end", async () => {
    const { log, start } = host();
    const following = start();
    write(log, xid(48));
    expect(await news(following)).toEqual([48]);
    appendFileSync(log, xid(79).slice(0, 30));
    expect(await news(following)).toEqual([48]);
    write(log, xid(79).slice(30));
    expect(await news(following)).toEqual([48, 79]);
  });

  it("is not told again after a restart, but for what was written meanwhile", async () => {
    const { log, start } = host();
    const first = start();
    write(log, xid(48), xid(79));
    expect(await news(first)).toEqual([48, 79]);
    write(log, xid(119));
    const second = start();
    expect(await news(second)).toEqual([119]);
    const third = start();
    expect(await news(third)).toEqual([]);
    expect((await third.poll()).faults.gpuFaults(nowSeconds())).toHaveLength(3);
  });

  it("is followed over rotation and truncation", async () => {
    const { log, start } = host();
    const following = start();
    write(log, xid(48));
    await following.poll();
    write(log, xid(62));
    renameSync(log, `${log}.1`);
    write(log, xid(79));
    await following.poll();
    expect(await news(following)).toEqual([48, 62, 79]);
    writeFileSync(log, "");
    await following.poll();
    write(log, xid(119));
    expect(await news(following)).toEqual([48, 62, 79, 119]);
  });

  it("passes over lines that say they are of an earlier boot", async () => {
    const { log, start } = host();
    write(log, `2001-01-01T00:00:00+00:00 gpu-7 kernel: ${xid(79)}`, `[    0.000001] ${xid(48)}`);
    expect(await news(start())).toEqual([48]);
  });

  it("has a bound for a line without end and for what one read brings", async () => {
    const { log, start } = host();
    const following = start();
    writeFileSync(log, "x".repeat(100_000));
    expect((await following.poll()).linesLost).toBe(1);
    write(log, "", xid(79));
    expect(await news(following)).toEqual([79]);
  });

  it("that is missing is a problem until it is there", async () => {
    const { folder, start } = host();
    const path = join(folder, "later.log");
    const following = start({ log: path });
    expect((await following.poll()).problem?.reason).toContain("later.log can't be read");
    write(path, xid(79));
    expect(await news(following)).toEqual([79]);
    expect((await following.poll()).problem).toBeNull();
  });

  it("begins anew after a reboot, and keeps its counts", async () => {
    const { log, start } = host();
    write(log, xid(79));
    await start().poll();
    const { faults } = await start({ boot: "b0000000-0000-0000-0000-000000000002" }).poll();
    expect(faults.gpuFaults(nowSeconds())).toEqual([]);
    expect(faults.errorCounts()).toMatchObject([{ code: "79", count: 1 }]);
  });

  it("survives a damaged memory and says so", async () => {
    const { folder, log, start } = host();
    for (const text of ["", "{", '{"version":2}', "[]"]) {
      writeFileSync(join(folder, "memory.json"), text);
      write(log, xid(79));
      const view = await start().poll();
      expect(view.memoryProblem).toContain("damaged");
      expect(view.faults.gpuFaults(nowSeconds())).toHaveLength(1);
    }
    expect(JSON.parse(readFileSync(join(folder, "memory.json"), "utf8"))).toMatchObject({ version: 1 });
  });
});

describe("a kernel log in the journal", { timeout: 40_000 }, () => {
  const entry = (cursor: number, message: string) =>
    JSON.stringify({
      __CURSOR: `i=${cursor}`,
      _BOOT_ID: bootId.replaceAll("-", ""),
      __REALTIME_TIMESTAMP: String(Math.round(Date.now() * 1000)),
      MESSAGE: message,
    });
  function journal(folder: string, ...entries: string[]): void {
    const path = join(folder, "journal");
    write(path, ...entries);
    vi.stubEnv("JOURNAL_FAKE_FILE", path);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  it("is followed from where the last start of the agent left it", async () => {
    const { folder, start } = host();
    journal(folder, entry(1, "noise"), entry(2, xid(48)));
    const first = start({ log: "journald" });
    await vi.waitFor(async () => expect(await news(first)).toEqual([48]), 20_000);
    first.close();
    journal(folder, entry(3, xid(79)));
    const second = start({ log: "journald" });
    await vi.waitFor(async () => expect(await news(second)).toEqual([79]), 20_000);
  });

  it("that can't be followed is a problem with journalctl's own words", async () => {
    const { folder, start } = host();
    journal(folder, entry(1, "noise"));
    vi.stubEnv("JOURNAL_FAKE_END", "1");
    const following = start({ log: "journald" });
    await vi.waitFor(async () => {
      expect((await following.poll()).problem?.reason).toContain("no journal files were found");
    }, 20_000);
  });
});

describe("the checks of the kernel log", () => {
  function openProbes(options: Parameters<typeof createKernelLogProbes>[0]) {
    const probes = createKernelLogProbes(options);
    onTestFinished(() => {
      for (const probe of probes) probe.close?.();
    });
    return probes;
  }
  function checks(log: string | null, folder: string, expectedGpus: number | null = null) {
    const probes = openProbes({
      log,
      memoryFile: null,
      expectedGpus,
      roster: createGpuRoster(),
      procRoot: join(folder, "proc"),
      sysRoot: join(folder, "sys"),
      nowSeconds,
    });
    const [xids, faults] = probes;
    if (xids === undefined || faults === undefined) throw new Error("two checks");
    return { xids, faults };
  }

  it("do not apply without GPUs, tell of an error at once, and of nothing twice", async () => {
    const { folder, log } = host();
    const { xids, faults } = checks(log, folder);
    expect((await runProbe(xids, nowSeconds)).report.state).toBe("not_applicable");
    expect((await runProbe(faults, nowSeconds)).report.state).toBe("healthy");
    expect(await xids.news?.()).toBeNull();
    write(log, xid(79), "Out of memory: Killed process 5 (python) total-vm:1kB");
    const outcome = await xids.news?.();
    expect(outcome?.report).toMatchObject({ check: "xid", state: "unhealthy" });
    expect(outcome?.report.reason).toContain("Xid 79, the GPU fell off the bus, process python (pid 7)");
    expect(outcome?.report.reason).toContain("-> reboot the host");
    expect(outcome?.report.readings).toMatchObject([
      { name: "gpu_xid_errors_total", labels: { gpu: "0000:3b:00.0", xid: "79" }, value: 1 },
    ]);
    expect(outcome?.gpuErrors).toMatchObject([
      { gpu: "0000:3b:00.0", xid: 79, bootId, severity: "critical" },
    ]);
    expect((await faults.news?.())?.report).toMatchObject({ check: "kernel-log", state: "degraded" });
    expect([await xids.news?.(), await faults.news?.()]).toEqual([null, null]);
  });

  it("name a card by its number as soon as nvidia-smi has told it", async () => {
    const { folder, log } = host();
    const roster = createGpuRoster();
    const [xids] = openProbes({
      log,
      memoryFile: null,
      expectedGpus: 1,
      roster,
      procRoot: join(folder, "proc"),
      sysRoot: join(folder, "sys"),
      nowSeconds,
    });
    write(log, xid(79));
    await xids?.news?.();
    roster.update({ busId: "00000000:3B:00.0", index: 5, uuid: "GPU-5", recoveryAction: null, seenAt: 0 });
    const outcome = await xids?.news?.();
    expect(outcome?.report.readings[0]?.labels).toEqual({ gpu: "5", uuid: "GPU-5", xid: "79" });
    expect(await xids?.news?.()).toBeNull();
  });

  it("tell of more lines of the same error after a while, with their number", async () => {
    const { folder, log } = host();
    let clock = Date.now() / 1000;
    const [xids] = openProbes({
      log,
      memoryFile: null,
      expectedGpus: 1,
      roster: createGpuRoster(),
      procRoot: join(folder, "proc"),
      sysRoot: join(folder, "sys"),
      nowSeconds: () => clock,
    });
    await xids?.news?.();
    write(log, xid(119));
    expect((await xids?.news?.())?.report.readings[0]?.value).toBe(1);
    write(log, xid(119), xid(119));
    clock += 1;
    expect(await xids?.news?.()).toBeNull();
    clock += 5;
    const outcome = await xids?.news?.();
    expect(outcome?.report.readings[0]?.value).toBe(3);
    expect(outcome?.gpuErrors).toHaveLength(1);
  });

  it("are unknown when GPUs are expected or a log was named and it can't be read", async () => {
    const { folder } = host();
    const missing = join(folder, "missing");
    for (const { xids, faults } of [checks(missing, folder), checks(missing, folder, 8)]) {
      for (const probe of [xids, faults]) {
        const { report } = await runProbe(probe, nowSeconds);
        expect(report.state).toBe("unknown");
        expect(report.action).toContain("RINGRIFT_KMSG");
      }
    }
  });

  it("call a program's fault degraded, and what needs nothing healthy", async () => {
    const { folder, log } = host();
    const { xids } = checks(log, folder, 1);
    write(log, xid(63));
    const noted = (await runProbe(xids, nowSeconds)).report;
    expect(noted.state).toBe("healthy");
    expect(noted.reason).toContain("noted: 0000:3b:00.0: Xid 63");
    write(log, xid(31));
    expect((await runProbe(xids, nowSeconds)).report.state).toBe("degraded");
  });
});
