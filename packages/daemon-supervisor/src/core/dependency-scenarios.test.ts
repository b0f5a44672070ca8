import { describe, expect, it } from "vitest";
import { pass, useVirtualTime, VirtualFleet } from "../virtual.test.kit.ts";

useVirtualTime();

/** Three daemons in one group, all up. */
async function groupOfThree(strategy: Parameters<VirtualFleet["group"]>[1]): Promise<{
  fleet: VirtualFleet;
  crash(name: "a" | "b" | "c"): Promise<string[]>;
}> {
  const fleet = new VirtualFleet();
  const services = { a: fleet.add("a"), b: fleet.add("b"), c: fleet.add("c") };
  fleet.group("g", strategy);
  await fleet.start();
  await pass(60_000);
  return {
    fleet,
    crash: async (name) => {
      fleet.trace.length = 0;
      services[name].crash();
      await pass(10_000);
      return fleet.trace;
    },
  };
}

describe("a group", () => {
  it("starts its members in order, each when the one before is ready", async () => {
    const fleet = new VirtualFleet();
    fleet.add("a").startMs = 1_000;
    fleet.add("b").startMs = 1_000;
    fleet.add("c");
    fleet.group("g", "one_for_one");
    await fleet.start();
    expect(fleet.trace).toEqual(["start a"]);
    await pass(1_000);
    expect(fleet.trace).toEqual(["start a", "start b"]);
    await pass(1_000);
    expect(fleet.trace).toEqual(["start a", "start b", "start c"]);
  });

  it("one_for_one restarts the member that died", async () => {
    const { crash } = await groupOfThree("one_for_one");
    expect(await crash("b")).toEqual(["crash b", "stop b", "start b"]);
  });

  it("rest_for_one stops those after it in reverse and starts them again in order", async () => {
    const { crash } = await groupOfThree("rest_for_one");
    const trace = await crash("b");
    expect(trace[0]).toBe("crash b");
    expect(trace.toSorted()).toEqual(["crash b", "start b", "start c", "stop b", "stop c"]);
    expect(trace.slice(-2)).toEqual(["start b", "start c"]);
  });

  it("one_for_all stops all others in reverse and starts all again in order", async () => {
    const { crash } = await groupOfThree("one_for_all");
    const trace = await crash("b");
    expect(trace.indexOf("stop c")).toBeLessThan(trace.indexOf("stop a"));
    expect(trace.slice(-3)).toEqual(["start a", "start b", "start c"]);
    expect(trace).toHaveLength(7);
  });

  it("takes down a member that is never restarted, and leaves it down", async () => {
    const fleet = new VirtualFleet();
    const a = fleet.add("a");
    const once = fleet.add("once", { restart: { mode: "never" } });
    fleet.group("g", "one_for_all");
    await fleet.start();
    await pass(60_000);
    a.crash();
    await pass(3_600_000);
    expect(a.starts).toHaveLength(2);
    expect(once.starts).toHaveLength(1);
    expect(fleet.state("once")).toBe("stopped");
  });

  it("does not count it as a crash to be taken down by another", async () => {
    const { fleet, crash } = await groupOfThree("one_for_all");
    for (let i = 0; i < 4; i += 1) {
      await crash("a");
      await pass(60_000);
    }
    expect(fleet.manager.memories().get("c")?.deathAgesMs).toEqual([]);
    expect(fleet.manager.memories().get("a")?.deathAgesMs).toHaveLength(4);
  });
});

describe("a dependency", () => {
  const whenLost = async (reaction: string): Promise<VirtualFleet & { loseStore(): Promise<void> }> => {
    const fleet = new VirtualFleet();
    const store = fleet.add("store");
    fleet.add("worker", { dependsOn: [{ name: "store", whenLost: reaction }] });
    await fleet.start();
    await pass(60_000);
    return Object.assign(fleet, {
      loseStore: async (): Promise<void> => {
        fleet.trace.length = 0;
        store.startMs = 2_000;
        store.crash();
        await pass(10_000);
      },
    });
  };

  it("that dies leaves its dependents up, unless they ask otherwise", async () => {
    const fleet = await whenLost("keep");
    await fleet.loseStore();
    expect(fleet.trace).toEqual(["crash store", "stop store", "start store"]);
    expect(fleet.state("worker")).toBe("running");
  });

  it("that dies takes down those who ask for a restart, which start when it is ready again and not before", async () => {
    const fleet = await whenLost("restart");
    await fleet.loseStore();
    expect(fleet.trace.slice(-2)).toEqual(["start store", "start worker"]);
    expect(fleet.trace).toContain("stop worker");
    expect(fleet.state("worker")).toBe("running");
  });

  it("that dies stops those who ask for it, until they are started by name", async () => {
    const fleet = await whenLost("stop");
    await fleet.loseStore();
    await pass(3_600_000);
    expect(fleet.state("worker")).toBe("stopped");
    await fleet.manager.startDaemon("worker");
    await pass(1);
    expect(fleet.state("worker")).toBe("running");
  });

  it("that says it is ready and never is fails its start at the time-out, and its dependents never start", async () => {
    const fleet = new VirtualFleet();
    const silent = fleet.add("silent", { readiness: { withinSeconds: 30 }, stop: { graceSeconds: 1 } });
    silent.startMs = Number.POSITIVE_INFINITY;
    const worker = fleet.add("worker", { dependsOn: ["silent"] });
    await fleet.start();
    await pass(29_999);
    expect(fleet.state("silent")).toBe("starting");
    await pass(1);
    const health = fleet.manager.daemons().find((daemon) => daemon.name === "silent");
    expect(health?.lastExit).toBe("not ready within 30 s of its start");
    await pass(600_000);
    expect(fleet.manager.unready()).toContain("worker (initializing)");
    expect(worker.starts).toEqual([]);
    expect(fleet.manager.daemons().find((daemon) => daemon.name === "worker")?.reason).toBe(
      "waiting for silent to be ready",
    );
  });

  it("on completion is met by a success and by nothing else", async () => {
    const fleet = new VirtualFleet();
    const migrate = fleet.add("migrate", { restart: { mode: "on-failure" } });
    const worker = fleet.add("worker", { dependsOn: [{ name: "migrate", condition: "completed" }] });
    await fleet.start();
    await pass(1_000);
    expect(worker.starts).toEqual([]);
    migrate.crash();
    await pass(60_000);
    expect(migrate.starts).toHaveLength(2);
    expect(worker.starts).toEqual([]);
  });
});

describe("a diamond of fifty", () => {
  it("starts in parallel waves, along its critical path, and stops in exact reverse", async () => {
    const fleet = new VirtualFleet();
    fleet.add("top").startMs = 1_000;
    for (let i = 0; i < 48; i += 1) fleet.add(`m${i}`, { dependsOn: ["top"] }).startMs = 1_000;
    const bottom = fleet.add("bottom", { dependsOn: Array.from({ length: 48 }, (_, i) => `m${i}`) });
    bottom.startMs = 1_000;
    await fleet.start();
    await pass(2_000);
    expect(fleet.trace).toHaveLength(50);
    expect(fleet.trace.at(-1)).toBe("start bottom");
    await pass(1_000);
    expect(fleet.manager.readinessProbe()).toBe(true);
    fleet.trace.length = 0;
    await fleet.manager.stop();
    expect(fleet.trace[0]).toBe("stop bottom");
    expect(fleet.trace.at(-1)).toBe("stop top");
    expect(fleet.trace).toHaveLength(50);
  });
});

describe("a stop of all within a time", () => {
  it("shares the time among those that stop one after another, and cuts no grace longer than it needs to be", async () => {
    const fleet = new VirtualFleet();
    const chain = [
      fleet.add("a"),
      fleet.add("b", { dependsOn: ["a"] }),
      fleet.add("c", { dependsOn: ["b"] }),
    ];
    const quick = fleet.add("quick");
    for (const service of chain) service.stopMs = Number.POSITIVE_INFINITY;
    quick.stopMs = 1_000;
    await fleet.start();
    const from = performance.now();
    let tookMs: number | null = null;
    const stop = fleet.manager.stop(6_000).then(() => {
      tookMs = performance.now() - from;
    });
    await pass(1_999);
    expect([fleet.state("c"), fleet.state("quick")]).toEqual(["stopping", "stopped"]);
    await pass(1);
    expect([fleet.state("c"), fleet.state("b")]).toEqual(["stuck", "stopping"]);
    await pass(4_000);
    await stop;
    expect(tookMs).toBe(6_000);
  });
});
