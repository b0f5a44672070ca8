import { Counter, Gauge, Histogram, Registry, Summary } from "prom-client";
import { describe, expect, it } from "vitest";
import { writeExposition } from "./exposition.ts";
import { familiesFromRegistry, RegistryReader } from "./from-registry.ts";

function filledRegistry(): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: "app_calls_total", help: "Calls.", labelNames: ["to"], registers }).inc({ to: "a" }, 2);
  new Gauge({ name: "app_open_calls", help: "Open calls.", registers }).set(3);
  const histogram = new Histogram({ name: "app_call_seconds", help: "Time.", buckets: [0.1, 1], registers });
  histogram.observe(0.5);
  const summary = new Summary({ name: "app_size_bytes", help: "Size.", percentiles: [0.5], registers });
  summary.observe(10);
  return registry;
}

describe("familiesFromRegistry", () => {
  it("writes the same page as prom-client does in its own text format", async () => {
    const registry = filledRegistry();
    const ours = writeExposition(await familiesFromRegistry(registry), "text");
    const theirs = await registry.metrics();
    const lines = (text: string): string[] =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .sort();
    expect(lines(ours)).toEqual(lines(theirs));
  });

  it("keeps _total on counters in OpenMetrics after text was served", async () => {
    const registry = filledRegistry();
    writeExposition(await familiesFromRegistry(registry), "text");
    const text = writeExposition(await familiesFromRegistry(registry), "openmetrics");
    expect(text).toContain('# TYPE app_calls counter\napp_calls_total{to="a"} 2\n');
  });
});

describe("RegistryReader", () => {
  it("has the families of its last refresh", async () => {
    const reader = new RegistryReader(filledRegistry());
    expect(reader.families()).toEqual([]);
    await reader.refresh();
    expect(reader.families().map(({ name }) => name)).toContain("app_calls_total");
  });
});
