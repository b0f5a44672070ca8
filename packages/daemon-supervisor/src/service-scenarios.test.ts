import { afterEach, describe, expect, it } from "vitest";
import { defineService } from "./definition/definition-reader.ts";
import { pass, useVirtualTime, VirtualFleet } from "./virtual.test.kit.ts";

useVirtualTime();

let rejections: unknown[] = [];
const onRejection = (error: unknown): void => void rejections.push(error);
process.on("unhandledRejection", onRejection);
afterEach(() => {
  expect(rejections).toEqual([]);
  rejections = [];
});

describe("a service inside the process", () => {
  it("that throws in start or rejects is restarted with its reason, and others do not notice", async () => {
    const fleet = new VirtualFleet();
    const bad = fleet.add("bad");
    const fine = fleet.add("fine");
    let attempts = 0;
    bad.start = async () => {
      attempts += 1;
      throw new Error(`no GPU ${attempts}`);
    };
    await fleet.start();
    await pass(1_500);
    expect(attempts).toBe(2);
    expect(fleet.manager.daemons().find(({ name }) => name === "bad")?.lastExit).toBe("no GPU 2");
    expect(fleet.state("fine")).toBe("running");
    expect(fine.starts).toHaveLength(1);
  });

  it("that fails its own check three times in a row is restarted, outside its grace", async () => {
    const fleet = new VirtualFleet();
    const sick = fleet.add("sick");
    await fleet.start();
    await pass(70_000);
    sick.well = false;
    await pass(20_000);
    expect(fleet.state("sick")).toBe("running");
    expect(fleet.manager.getDaemonHealth("sick").status).toBe("degraded");
    await pass(11_000);
    expect(sick.starts).toHaveLength(2);
    expect(fleet.manager.daemons()[0]?.lastExit).toBe(
      "health check failed 3 times in a row: says it is not well",
    );
  });

  it("whose check throws or never answers fails that check, and nothing else", async () => {
    for (const check of [
      (): boolean => {
        throw new Error("boom");
      },
      (): Promise<boolean> => new Promise(() => undefined),
    ]) {
      const fleet = new VirtualFleet();
      const daemon = fleet.add("d");
      Object.assign(daemon, { healthCheck: check });
      await fleet.start();
      await pass(30_000);
      expect(fleet.manager.getDaemonHealth("d").status).toBe("degraded");
      expect(fleet.manager.daemons()[0]?.reason).toMatch(/boom|no answer in 5 s/);
      await pass(100_000);
      expect(daemon.starts.length).toBeGreaterThan(1);
      await fleet.manager.stop();
    }
  });

  it("that hangs in stop is stuck, not stopped, and not started again while it hangs", async () => {
    const fleet = new VirtualFleet();
    const deaf = fleet.add("deaf", { stop: { graceSeconds: 2 } });
    const fine = fleet.add("fine");
    deaf.stopMs = 60_000;
    await fleet.start();
    const restart = fleet.manager.restartDaemon("deaf");
    await pass(2_000);
    await restart;
    expect(fleet.state("deaf")).toBe("stuck");
    expect(fleet.manager.daemons()[0]?.reason).toBe("could not be killed: its stop() has not returned");
    expect(fleet.state("fine")).toBe("running");
    await pass(57_000);
    expect(deaf.starts).toHaveLength(1);
    await pass(10_000);
    expect(deaf.starts).toHaveLength(2);
    expect(fleet.state("deaf")).toBe("running");
    expect(fine.starts).toHaveLength(1);
  });

  it("that throws in stop is stopped", async () => {
    const fleet = new VirtualFleet();
    const rude = fleet.add("rude");
    rude.stop = async () => {
      throw new Error("no");
    };
    await fleet.start();
    await fleet.manager.stopDaemon("rude");
    expect(fleet.state("rude")).toBe("stopped");
  });

  it("that is defined wrongly is refused with key and reason", () => {
    const service = { start: () => undefined, stop: () => undefined };
    expect(() => defineService({ name: "a", critcal: true }, service)).toThrow(
      "critcal: unknown key; did you mean critical?",
    );
    expect(() => defineService({ name: "a", command: ["x"] }, service)).toThrow("command: unknown key");
    expect(() => defineService({ name: "a b" }, service)).toThrow("name: must start with");
  });
});

describe("a job", () => {
  const hourly = { schedule: { cron: "0 * * * *", timeZone: "UTC" } };

  it("runs at its times, is healthy while it waits, and is no gate of readiness", async () => {
    const fleet = new VirtualFleet();
    const job = fleet.add("job", { ...hourly, critical: true, restart: { success: [0] } });
    await fleet.start();
    expect(fleet.manager.daemons()[0]).toMatchObject({
      state: "initializing",
      reason: "next run at 2026-01-01T01:00:00Z",
    });
    expect([fleet.manager.livenessProbe(), fleet.manager.readinessProbe()]).toEqual([true, true]);
    expect(fleet.manager.unready()).toEqual([]);
    await pass(3_599_000);
    expect(job.starts).toEqual([]);
    await pass(1_500);
    expect(job.starts).toHaveLength(1);
    job.crash();
    await pass(1_000);
    expect(fleet.manager.daemons()[0]).toMatchObject({
      state: "failed",
      reason: "crashed; next run at 2026-01-01T02:00:00Z",
    });
    await pass(3_600_000);
    expect(job.starts).toHaveLength(2);
  });

  it("never runs twice at once: what falls into a run is skipped and counted", async () => {
    const fleet = new VirtualFleet();
    const job = fleet.add("job", hourly);
    await fleet.start();
    await pass(3 * 3_600_000 + 60_000);
    expect(job.starts).toHaveLength(1);
    job.crash();
    await pass(10);
    expect(fleet.manager.daemons()[0]?.reason).toContain("(2 skipped while it ran)");
  });

  it("runs at its time by the wall clock, though that was set meanwhile", async () => {
    const fleet = new VirtualFleet();
    const job = fleet.add("job", hourly);
    let shift = 0;
    await fleet.start({ wallMs: () => Date.now() + shift });
    await pass(600_000);
    shift = 49 * 60_000;
    await pass(120_000);
    expect(job.starts).toHaveLength(1);
  });

  it("runs at once when it is started by name, and keeps its times", async () => {
    const fleet = new VirtualFleet();
    const job = fleet.add("job", hourly);
    await fleet.start();
    await fleet.manager.startDaemon("job");
    await pass(1_000);
    expect(job.starts).toHaveLength(1);
    job.crash();
    await pass(3_600_000);
    expect(job.starts).toHaveLength(2);
  });
});

describe("a reload", () => {
  it("keeps what is unchanged, restarts what changed once, stops what is gone; an invalid one changes nothing", async () => {
    const fleet = new VirtualFleet();
    const same = fleet.add("same");
    const changed = fleet.add("changed");
    const gone = fleet.add("gone");
    await fleet.start();
    const next = fleet.definitions
      .filter(({ name }) => name !== "gone")
      .map((one) => (one.name === "changed" ? { ...one, critical: true } : one));
    await fleet.manager.reload(next);
    await pass(1_000);
    expect([same.starts.length, changed.starts.length, gone.starts.length]).toEqual([1, 2, 1]);
    expect(fleet.trace.filter((line) => line.startsWith("stop")).toSorted()).toEqual([
      "stop changed",
      "stop gone",
    ]);
    await expect(fleet.manager.reload([...next, ...next])).rejects.toMatchObject({ code: "DAEMONS_INVALID" });
    await pass(1_000);
    expect([same.starts.length, changed.starts.length]).toEqual([1, 2]);
  });
});
