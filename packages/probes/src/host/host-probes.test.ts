import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProbes } from "../registry.ts";
import { runProbe } from "../run-probe.ts";

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "probes-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("all host probes on a tree of procfs files", () => {
  const run = async (procRoot: string, name: string, processPatterns: string[] = []) => {
    const nowSeconds = () => 1000;
    const options = { nvidiaSmi: "nvidia-smi", expectedGpus: null, procRoot, sysRoot: procRoot, nowSeconds };
    const probe = createProbes({ ...options, processPatterns }).find((found) => found.name === name);
    if (probe === undefined) throw new Error(`no probe ${name}`);
    return runProbe(probe, nowSeconds);
  };

  it("read the files and report with time and source", async () => {
    const { report, resources } = await run(fixture("proc"), "memory");
    expect(report).toMatchObject({ check: "memory", state: "healthy", observedAt: 1000 });
    expect(report.readings[0]).toMatchObject({ name: "memory_total_bytes", observedAt: 1000 });
    expect(resources?.memoryUsedRatio).toBeCloseTo(0.25);
    expect((await run(fixture("proc"), "load")).report.state).toBe("healthy");
    expect((await run(fixture("proc"), "pressure")).report.state).toBe("healthy");
    expect((await run(fixture("proc"), "network")).report.state).toBe("healthy");
    expect((await run(fixture("proc"), "swap")).report.state).toBe("healthy");
    expect((await run(fixture("proc"), "processes", ["/sbin/init", "train.py"])).report).toMatchObject({
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
    expect((await run(fixture("proc"), "cpu")).report).toMatchObject({ state: "unknown" });
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
    expect(await run("conntrack", real)).toMatchObject({ state: "healthy", details: { used: 812 } });
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
