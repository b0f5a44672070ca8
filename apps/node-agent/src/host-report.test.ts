import type { CheckReport, DaemonHealth } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { createHostReport } from "./host-report.ts";

const check = (name: string, observedAt: number): CheckReport => ({
  check: name,
  state: "healthy",
  reason: "",
  details: {},
  readings: [],
  observedAt,
  durationSeconds: 0,
});

describe("the host's report", () => {
  it("says nothing while nothing was added", () => {
    expect(createHostReport({ version: "1", startedAt: 0 }).takeDelta(1)).toBeNull();
  });

  it("holds in a delta only the checks that ran again and the sections that changed", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    report.addOutcome({ report: check("cpu", 1), resources: { cpuCores: 8 } });
    report.addOutcome({ report: check("gpu", 1), gpus: [] });
    report.takeDelta(1);
    report.addOutcome({ report: check("cpu", 2) });
    expect(report.takeDelta(2)).toEqual({
      version: "1",
      startedAt: 0,
      full: false,
      seq: 2,
      sentAt: 2,
      checks: [check("cpu", 2)],
    });
  });

  it("tells which checks have not ended their first run, until each has or is taken out", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    report.expectChecks(["cpu", "gpu", "custom.disk"]);
    expect(report.takeDelta(1)?.pendingChecks).toEqual(["cpu", "gpu", "custom.disk"]);
    report.addOutcome({ report: check("cpu", 1) });
    expect(report.takeDelta(2)?.pendingChecks).toEqual(["gpu", "custom.disk"]);
    report.removeCheck("custom.disk");
    report.addOutcome({ report: check("gpu", 2) });
    expect(report.takeDelta(3)?.pendingChecks).toEqual([]);
    report.addOutcome({ report: check("gpu", 3) });
    expect(report.takeDelta(4)).not.toHaveProperty("pendingChecks");
  });

  it("tells where the agent is asked in every report from when that is known on, and at once then", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    const endpoint = { host: "10.0.0.7", port: 8791 };
    expect(report.full(1)).not.toHaveProperty("endpoint");
    report.setEndpoint(endpoint);
    expect([report.takeDelta(2)?.endpoint, report.full(3).endpoint]).toEqual([endpoint, endpoint]);
  });

  it("leaves the GPUs out until a probe spoke for them, since silence is not a host without any", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    expect(report.full(1)).not.toHaveProperty("gpus");
    report.addOutcome({ report: check("gpu", 1), gpus: null });
    expect(report.full(2).gpus).toBeNull();
  });

  it("tells everything after a check was taken out, since a delta cannot show that it is gone", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    report.addOutcome({ report: check("cpu", 1) });
    report.addOutcome({ report: check("custom.disk", 1) });
    report.takeDelta(1);
    report.removeCheck("custom.disk");
    expect(report.takeDelta(2)).toMatchObject({ full: true, checks: [{ check: "cpu" }] });
    report.removeCheck("custom.disk");
    expect(report.takeDelta(3)).toBeNull();
  });

  it("numbers every report, so that an older one never overwrites a newer one", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    expect([report.full(1).seq, report.full(1).seq]).toEqual([1, 2]);
  });

  it("tells of daemons when one changes, and every 15 s though nothing but figures moved", () => {
    const report = createHostReport({ version: "1", startedAt: 0 });
    const daemon: DaemonHealth = {
      name: "a",
      state: "running",
      critical: false,
      ready: true,
      pid: 7,
      restarts: 0,
      errorRate: null,
      uptimeSeconds: 1,
      cpuCores: 0.01,
      memoryBytes: 100_000_000,
      lastExit: null,
      lastExitAgeSeconds: null,
      reason: "running",
    };
    report.setDaemons([daemon]);
    expect(report.takeDelta(0)?.daemons).toEqual([daemon]);
    const later = { ...daemon, uptimeSeconds: 9, cpuCores: 0.02, memoryBytes: 100_100_000 };
    report.setDaemons([later]);
    expect(report.takeDelta(8)).toBe(null);
    expect(report.takeDelta(15)?.daemons).toEqual([later]);
    report.setDaemons([{ ...later, memoryBytes: 200_000_000 }]);
    expect(report.takeDelta(16)?.daemons).toHaveLength(1);
    report.setDaemons([{ ...later, state: "restarting" }]);
    expect(report.takeDelta(17)?.daemons).toMatchObject([{ state: "restarting" }]);
  });
});
