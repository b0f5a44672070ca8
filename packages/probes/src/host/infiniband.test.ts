import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runProbe } from "../run-probe.ts";
import { createInfinibandProbe, type InfinibandPort, judgeInfiniband, parsePortState } from "./infiniband.ts";

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

describe("the ports of sysfs", () => {
  const nowSeconds = () => 1000;

  /** A tree as the kernel shows it, with what an operator would see change. */
  function sysfs() {
    const root = mkdtempSync(join(tmpdir(), "infiniband-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const counters = ["symbol_error", "link_error_recovery", "link_downed", "port_rcv_errors"];
    const write = (device: string, files: Readonly<Record<string, string>>): void => {
      const port = join(root, "class/infiniband", device, "ports/1");
      mkdirSync(join(port, "counters"), { recursive: true });
      for (const [file, text] of Object.entries(files)) writeFileSync(join(port, file), `${text}\n`);
    };
    const up = { state: "4: ACTIVE", phys_state: "5: LinkUp", rate: "400 Gb/sec (4X NDR)" };
    const polling = { state: "1: DOWN", phys_state: "2: Polling", rate: "2.5 Gb/sec (1X SDR)" };
    const zero = Object.fromEntries(counters.map((name) => [`counters/${name}`, "0"]));
    const probe = createInfinibandProbe(root, nowSeconds);
    const report = async () => (await runProbe(probe, nowSeconds)).report;
    return { root, write, up, polling, zero, report };
  }

  it("tell of a port that was active and polls for its peer, and of one that flapped between two runs", async () => {
    const { write, up, polling, zero, report } = sysfs();
    write("mlx5_0", { ...up, ...zero });
    write("mlx5_1", { ...polling, ...zero });
    expect(await report()).toMatchObject({ state: "healthy", reason: "1 of 2 ports active" });
    write("mlx5_0", { ...polling, "counters/link_downed": "1" });
    expect(await report()).toMatchObject({
      state: "unhealthy",
      reason: "mlx5_0/1 was active and is DOWN (Polling); mlx5_0/1: 1 new link_downed",
    });
    write("mlx5_0", up);
    expect(await report()).toMatchObject({ state: "healthy" });
    write("mlx5_0", { "counters/link_downed": "2" });
    const flapped = await report();
    expect(flapped).toMatchObject({ state: "degraded", reason: "mlx5_0/1: 1 new link_downed" });
    expect(flapped.readings).toContainEqual(
      expect.objectContaining({
        name: "infiniband_link_downs_total",
        labels: { port: "mlx5_0/1" },
        value: 2,
      }),
    );
  });

  it("tell of a device that vanished, as when its driver gave it up", async () => {
    const { root, write, up, zero, report } = sysfs();
    write("mlx5_0", { ...up, ...zero });
    await report();
    rmSync(join(root, "class/infiniband/mlx5_0"), { recursive: true });
    expect(await report()).toMatchObject({ state: "unhealthy", reason: "mlx5_0/1 is gone" });
  });

  it("name states of more than one word", () => {
    expect(["5: ACTIVE_DEFER", "7: Phy Test", "3: Disabled", "DOWN"].map(parsePortState)).toEqual([
      "ACTIVE_DEFER",
      "Phy Test",
      "Disabled",
      null,
    ]);
  });
});
