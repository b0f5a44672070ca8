import { describe, expect, it } from "vitest";
import { pass, useVirtualTime, VirtualFleet } from "../virtual.test.kit.ts";

useVirtualTime();

const seconds = (times: readonly number[]): number[] =>
  times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / 1000));

describe("a daemon that crashes", () => {
  it("at once is started five times, then found in a crash loop and tried every 900 s for as long as it lasts", async () => {
    const fleet = new VirtualFleet();
    const loop = fleet.add("loop");
    loop.livesMs = 1;
    await fleet.start();
    await pass(120_000);
    expect(seconds(loop.starts)).toEqual([0, 1, 2, 4]);
    expect(fleet.state("loop")).toBe("degraded");
    await pass(10 * 900_000);
    expect(seconds(loop.starts).slice(4)).toEqual(Array(10).fill(900));
    expect(fleet.names("loop").filter((name) => name === "DAEMON_DEGRADED")).toHaveLength(1);
  });

  it("in a loop is no longer in one once an operator starts it anew", async () => {
    const fleet = new VirtualFleet();
    const loop = fleet.add("loop");
    loop.livesMs = 1;
    await fleet.start();
    await pass(60_000);
    expect(fleet.state("loop")).toBe("degraded");
    loop.livesMs = Number.POSITIVE_INFINITY;
    await fleet.manager.startDaemon("loop");
    await pass(1);
    expect(fleet.state("loop")).toBe("running");
  });

  it("just after it counts as stable is found by the hourly window, however slow its loop is", async () => {
    const fleet = new VirtualFleet();
    const slow = fleet.add("slow");
    slow.livesMs = 60_200;
    await fleet.start();
    await pass(11 * 60_200 - 100);
    expect(fleet.state("slow")).toBe("running");
    await pass(200);
    expect(fleet.state("slow")).toBe("degraded");
    expect(slow.starts).toHaveLength(11);
  });

  it("after a stable run restarts at once, and the delays begin anew", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    await fleet.start();
    const delays: number[] = [];
    for (const uptime of [60_000, 100, 100, 60_000]) {
      await pass(uptime);
      daemon.crash();
      const crashedAt = performance.now();
      await pass(2_100);
      delays.push(Math.round(((daemon.starts.at(-1) ?? 0) - crashedAt) / 100) * 100);
    }
    expect(delays).toEqual([0, 1000, 2000, 0]);
  });

  it("keeps its delays when the system clock is set an hour forth or back meanwhile", async () => {
    for (const step of [3_600_000, -3_600_000]) {
      const fleet = new VirtualFleet();
      const loop = fleet.add("loop");
      loop.livesMs = 1;
      let shift = 0;
      await fleet.start({ wallMs: () => Date.now() + shift });
      await pass(2_000);
      shift = step;
      await pass(20_000);
      expect(seconds(loop.starts)).toEqual([0, 1, 2, 4]);
      await fleet.manager.stop();
    }
  });
});

describe("a stop", () => {
  it("during a start is the end of it: nothing starts later", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    daemon.startMs = 5_000;
    await fleet.start();
    await pass(1_000);
    const stop = fleet.manager.stopDaemon("d");
    await pass(10_000);
    await stop;
    await pass(3_600_000);
    expect(fleet.state("d")).toBe("stopped");
    expect(daemon.starts).toHaveLength(1);
    expect(fleet.names("d").filter((name) => name === "DAEMON_STOPPED")).toHaveLength(1);
  });

  it("during a back-off is the end of it", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    daemon.livesMs = 1;
    await fleet.start();
    await pass(500);
    expect(fleet.state("d")).toBe("restarting");
    await fleet.manager.stopDaemon("d");
    await pass(3_600_000);
    expect(fleet.state("d")).toBe("stopped");
    expect(daemon.starts).toHaveLength(2);
  });

  it("during a restart is the end of it, with one event", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    daemon.stopMs = 1_000;
    await fleet.start();
    const restart = fleet.manager.restartDaemon("d");
    await pass(500);
    const stop = fleet.manager.stopDaemon("d");
    await pass(10_000);
    await Promise.all([restart, stop]);
    await fleet.manager.stopDaemon("d");
    await pass(3_600_000);
    expect(fleet.state("d")).toBe("stopped");
    expect(fleet.names("d").filter((name) => name === "DAEMON_STOPPED").length).toBe(
      fleet.names("d").filter((name) => name === "DAEMON_STARTED").length,
    );
  });

  it("followed by a start before it is over is a stop all the same, and then a start", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    daemon.stopMs = 1_000;
    await fleet.start();
    const stop = fleet.manager.stopDaemon("d");
    await pass(500);
    await fleet.manager.startDaemon("d");
    expect(fleet.state("d")).toBe("stopping");
    await pass(1_000);
    await stop;
    expect(fleet.trace).toEqual(["start d", "stop d", "start d"]);
    expect(fleet.names("d").filter((name) => name.startsWith("DAEMON"))).toEqual([
      "DAEMON_STARTED",
      "DAEMON_STOPPED",
      "DAEMON_STARTED",
    ]);
    expect(fleet.manager.memories().get("d")?.stopped).toBe(false);
  });

  it("by an operator outlives the supervisor", async () => {
    const fleet = new VirtualFleet();
    const daemon = fleet.add("d");
    const other = fleet.add("other");
    await fleet.start();
    await fleet.manager.stopDaemon("d");
    const memories = fleet.manager.memories();
    await fleet.manager.stop();
    await fleet.start({ memories });
    await pass(10_000);
    expect([daemon.starts.length, other.starts.length]).toEqual([1, 2]);
    expect(fleet.state("d")).toBe("stopped");
    await fleet.manager.startDaemon("d");
    await pass(1);
    expect(fleet.state("d")).toBe("running");
    expect(fleet.manager.memories().get("d")?.stopped).toBe(false);
  });
});

describe("two hundred daemons that crash together", () => {
  it("restart five at once and then five a second, up to what the cascade breaker allows", async () => {
    const fleet = new VirtualFleet();
    const daemons = Array.from({ length: 200 }, (_, i) => fleet.add(`d${i}`));
    await fleet.start({ fleet: { restarts: 1000, restartsAtStart: 1000 } });
    await pass(60_000);
    for (const daemon of daemons) daemon.crash();
    const crashedAt = performance.now();
    await pass(60_000);
    const restarts = daemons.flatMap((daemon) => daemon.starts.slice(1)).map((at) => at - crashedAt);
    expect(restarts).toHaveLength(200);
    for (let second = 0; second < 40; second += 1) {
      const within = restarts.filter((at) => at > second * 1000 && at <= second * 1000 + 1000).length;
      expect(within).toBeLessThanOrEqual(5);
    }
    expect(restarts.filter((at) => at === 0)).toHaveLength(5);
  });

  it("wait for the cascade breaker, but for the critical ones", async () => {
    const fleet = new VirtualFleet();
    const daemons = Array.from({ length: 200 }, (_, i) => fleet.add(`d${i}`, { critical: i >= 195 }));
    await fleet.start();
    await pass(300_000);
    for (const daemon of daemons) daemon.crash();
    await pass(60_000);
    const restarted = daemons.filter((daemon) => daemon.starts.length > 1).map((daemon) => daemon.name);
    expect(restarted).toHaveLength(30);
    expect(restarted).toEqual(expect.arrayContaining(["d195", "d196", "d197", "d198", "d199"]));
    await pass(300_000);
    expect(daemons.filter((daemon) => daemon.starts.length > 1).length).toBeGreaterThan(45);
  });
});
