import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { judgeNetwork, type NetworkSample, parseInterfaces } from "./network.ts";

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/proc/${path}`, import.meta.url)), "utf8");

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
