import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Measure } from "../judgement.ts";
import { gpuMeasures } from "./gpu-measures.ts";
import { parseSmi } from "./smi-parse.ts";

/** What NVML told of the same card in the second before nvidia-smi was asked; only values that stand still under a steady load. */
interface NvmlAnswer {
  readonly driver: string;
  readonly name: string;
  readonly memoryBytes: Readonly<Record<"total" | "reserved" | "used" | "free", number>>;
  readonly powerLimitMilliwatts: number;
  readonly memoryClockMegahertz: number;
  readonly performanceState: number;
  /** Bit 2 is the power cap, bit 0 an idle card. */
  readonly clockReasons: string;
  readonly eccErrors: Readonly<Record<string, number>>;
  readonly remappedRows: Readonly<Record<"corrected" | "uncorrected" | "pending" | "failed", number>>;
  readonly pcie: Readonly<Record<"generation" | "width" | "generationMax" | "widthMax" | "replays", number>>;
  readonly persistence: number;
  readonly processes: readonly { readonly pid: number; readonly memoryBytes: number }[];
}

const fixture = (path: string): string =>
  readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), "utf8");
const nvml: NvmlAnswer = JSON.parse(fixture("nvml/h100-sxm5-v13.json"));
const report = parseSmi(fixture("xml/h100-sxm5-v13.xml"));
const card = report.gpus[0];
if (card === undefined) throw new Error("the capture has no card");
const measures = gpuMeasures(card);

function measuresOf(name: string, labels: Readonly<Record<string, string>>): readonly Measure[] {
  return measures.filter(
    (measure) =>
      measure.name === name &&
      Object.entries(labels).every(([label, text]) => measure.labels?.[label] === text),
  );
}

function value(name: string, labels: Readonly<Record<string, string>> = {}): number | null | undefined {
  return measuresOf(name, labels)[0]?.value;
}

describe("an H100 under load is read as NVML tells it", () => {
  it("by name, driver and processes", () => {
    expect(report.driverVersion).toBe(nvml.driver);
    expect(card.name).toBe(nvml.name);
    expect(card.processes?.map(({ pid, memoryBytes }) => ({ pid, memoryBytes: memoryBytes.value }))).toEqual(
      nvml.processes,
    );
  });

  // nvidia-smi rounds to MiB.
  it.each(["total", "reserved", "used", "free"] as const)("memory %s", (kind) => {
    const bytes = value(`gpu_memory_${kind}_bytes`) ?? Number.NaN;
    expect(Math.abs(bytes - nvml.memoryBytes[kind])).toBeLessThanOrEqual(1024 ** 2);
  });

  it("limits, clocks and states", () => {
    expect(value("gpu_power_limit_watts")).toBe(nvml.powerLimitMilliwatts / 1000);
    expect(value("gpu_memory_clock_hertz")).toBe(nvml.memoryClockMegahertz * 1e6);
    expect(value("gpu_performance_state")).toBe(nvml.performanceState);
    expect(value("gpu_persistence_mode")).toBe(nvml.persistence);
    const reasons = Number(nvml.clockReasons);
    expect(value("gpu_throttle", { reason: "sw_power_cap" })).toBe((reasons >> 2) & 1);
    expect(value("gpu_throttle", { reason: "gpu_idle" })).toBe(reasons & 1);
  });

  it("PCIe link", () => {
    expect(value("gpu_pcie_link_generation")).toBe(nvml.pcie.generation);
    expect(value("gpu_pcie_link_generation_max")).toBe(nvml.pcie.generationMax);
    expect(value("gpu_pcie_link_width_lanes")).toBe(nvml.pcie.width);
    expect(value("gpu_pcie_link_width_max_lanes")).toBe(nvml.pcie.widthMax);
    expect(value("gpu_pcie_replays_total")).toBe(nvml.pcie.replays);
  });

  it.each([
    ["corrected", "volatile", "correctedVolatile"],
    ["corrected", "aggregate", "correctedAggregate"],
    ["uncorrected", "volatile", "uncorrectedVolatile"],
    ["uncorrected", "aggregate", "uncorrectedAggregate"],
  ] as const)("ECC errors %s, %s", (kind, scope, key) => {
    const parts = measuresOf("gpu_ecc_errors_total", { kind, scope });
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + (part.value ?? Number.NaN), 0)).toBe(nvml.eccErrors[key]);
  });

  it("row remapping", () => {
    expect(value("gpu_remapped_rows", { cause: "corrected" })).toBe(nvml.remappedRows.corrected);
    expect(value("gpu_remapped_rows", { cause: "uncorrected" })).toBe(nvml.remappedRows.uncorrected);
    expect(value("gpu_reset_pending", { for: "remap" })).toBe(nvml.remappedRows.pending);
    expect(value("gpu_row_remap_failure")).toBe(nvml.remappedRows.failed);
  });
});
