import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createGpuRoster } from "../nvidia/gpu-roster.ts";
import { runProbe } from "../run-probe.ts";
import { bootId, emptyHost, nowSeconds, write, xid } from "./kernel-log.test.kit.ts";
import { createKernelLogProbes } from "./kernel-log-probes.ts";

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
    const { folder, log } = emptyHost();
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
    const { folder, log } = emptyHost();
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
    const { folder, log } = emptyHost();
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
    const { folder } = emptyHost();
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
    const { folder, log } = emptyHost();
    const { xids } = checks(log, folder, 1);
    write(log, xid(63));
    const noted = (await runProbe(xids, nowSeconds)).report;
    expect(noted.state).toBe("healthy");
    expect(noted.reason).toContain("noted: 0000:3b:00.0: Xid 63");
    write(log, xid(31));
    expect((await runProbe(xids, nowSeconds)).report.state).toBe("degraded");
  });
});
