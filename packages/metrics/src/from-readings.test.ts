import type { Reading } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { writeExposition } from "./exposition.ts";
import { ReadingsExporter } from "./from-readings.ts";

function reading(name: string, value: number | null, labels: Record<string, string> = {}): Reading {
  return { name, labels, source: "test", observedAt: 1, value };
}

describe("ReadingsExporter", () => {
  it("turns readings of several nodes into one family with the label node", () => {
    const exporter = new ReadingsExporter({ help: { gpu_power_watts: "Power that the GPU draws." } });
    const families = exporter.families([
      { node: "a", readings: [reading("gpu_power_watts", 300, { gpu: "0" })] },
      { node: "b", readings: [reading("gpu_power_watts", 0, { gpu: "0" }), reading("disk_used_ratio", 0.5)] },
    ]);
    expect(families.map(({ name, type, help }) => [name, type, help])).toEqual([
      ["ringrift_gpu_power_watts", "gauge", "Power that the GPU draws."],
      ["ringrift_disk_used_ratio", "gauge", "Disk used ratio, as the checks of the node read it."],
      ["ringrift_dropped_total", "counter", expect.any(String)],
    ]);
    expect(families[0]?.samples).toEqual([
      { labels: { node: "a", gpu: "0" }, value: 300 },
      { labels: { node: "b", gpu: "0" }, value: 0 },
    ]);
  });

  it("gives absent and non-finite values no series, never a zero", () => {
    const families = new ReadingsExporter().families([
      {
        node: "a",
        readings: [reading("x_ratio", null), reading("y_ratio", NaN), reading("z_ratio", Infinity)],
      },
    ]);
    expect(families.map(({ name }) => name)).toEqual(["ringrift_dropped_total"]);
    expect(families[0]?.samples).toEqual([{ labels: { what: "series" }, value: 0 }]);
  });

  it("takes the type from the name", () => {
    const readings = [reading("gpu_ecc_errors_total", 1), reading("gpu_driver_info", 1), reading("load", 1)];
    const families = new ReadingsExporter().families([{ node: "a", readings }]);
    expect(families.slice(0, 3).map(({ type }) => type)).toEqual(["counter", "info", "gauge"]);
  });

  it("keeps the label node its own and moves reserved ones aside", () => {
    const families = new ReadingsExporter().families([
      { node: "a", readings: [reading("x", 1, { node: "liar", le: "1" })] },
    ]);
    expect(families[0]?.samples[0]?.labels).toEqual({ node: "a", exported_node: "liar", exported_le: "1" });
  });

  it("bounds the series of one node and of all, and counts what it drops over all calls", () => {
    const exporter = new ReadingsExporter({ maxSeriesPerNode: 2, maxSeries: 3 });
    const three = ["0", "1", "2"].map((gpu) => reading("x", 1, { gpu }));
    const nodes = [
      { node: "a", readings: three },
      { node: "b", readings: three },
    ];
    const text = writeExposition(exporter.families(nodes), "text");
    expect(text.match(/^ringrift_x\{/gm)).toHaveLength(3);
    expect(text).toContain('ringrift_dropped_total{what="series"} 3\n');
    exporter.families(nodes);
    expect(exporter.dropped).toBe(6);
  });
});
