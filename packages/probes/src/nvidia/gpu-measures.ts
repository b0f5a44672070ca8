import { clip, type Measure } from "../judgement.ts";
import { fabricFault } from "./fabric.ts";
import { margin } from "./gpu.ts";
import { type GpuFacts, slowdownReasons } from "./smi-parse.ts";
import type { Cell } from "./smi-value.ts";

/** Every reading of one card, in base units; a cell without a value stays without one. */
export function gpuMeasures(facts: GpuFacts): Measure[] {
  const labels = { gpu: String(facts.index), uuid: facts.uuid };
  const measure = (name: string, cell: Cell<number>, more: Readonly<Record<string, string>> = {}): Measure =>
    cell.value === null
      ? { name, labels: { ...labels, ...more }, value: null, absence: cell.absence }
      : { name, labels: { ...labels, ...more }, value: cell.value };
  const slowdownMargin = margin(facts.temperatures, "slowdown");
  return [
    measure("gpu_utilization_ratio", facts.utilization),
    measure("gpu_memory_used_bytes", facts.memoryUsedBytes),
    measure("gpu_memory_total_bytes", facts.memoryTotalBytes),
    measure("gpu_temperature_celsius", facts.temperatures.gpu),
    { name: "gpu_temperature_slowdown_margin_celsius", labels, value: slowdownMargin },
    measure("gpu_memory_temperature_celsius", facts.temperatures.memory),
    measure("gpu_power_watts", facts.powerWatts),
    measure("gpu_power_limit_watts", facts.powerLimitWatts),
    measure("gpu_sm_clock_hertz", facts.smClockHertz),
    measure("gpu_memory_clock_hertz", facts.memoryClockHertz),
    measure("gpu_pcie_link_width_lanes", facts.linkWidth),
    measure("gpu_pcie_link_width_max_lanes", facts.linkWidthMax),
    ...facts.ecc.map(({ kind, scope, location, count }) =>
      measure("gpu_ecc_errors_total", count, { kind, scope, location }),
    ),
    ...slowdownReasons.map((reason) =>
      measure("gpu_throttle", asNumber(facts.slowdowns[reason]), { reason }),
    ),
    ...(
      [
        ["retirement", facts.retirementPending],
        ["remap", facts.remapPending],
        ["repair", facts.repairPending],
      ] as const
    ).map(([what, cell]) => measure("gpu_reset_pending", asNumber(cell), { for: what })),
    measure("gpu_row_remap_failure", asNumber(facts.remapFailure)),
    ...(facts.fabric === null
      ? []
      : [{ name: "gpu_fabric_ready", labels, value: fabricFault(facts.fabric) === null ? 1 : 0 }]),
    ...recoveryMeasures(facts, labels),
    ...processMeasures(facts, labels),
    ...facts.readings.map(({ name, labels: more, cell }) => measure(name, cell, more)),
    ...facts.migDevices.flatMap((device) => {
      const more = { mig: device.index, gpu_instance: device.gpuInstance };
      return [
        measure("gpu_mig_memory_used_bytes", device.memoryUsedBytes, more),
        measure("gpu_mig_memory_total_bytes", device.memoryTotalBytes, more),
      ];
    }),
  ];
}

/** Each process of a card has its series while it is among the largest; the others are in the sum, and counted. */
const maxProcessSeries = 8;
const maxProgramLength = 60;

function processMeasures({ processes }: GpuFacts, labels: Readonly<Record<string, string>>): Measure[] {
  if (processes === null) return [{ name: "gpu_processes", labels, value: null }];
  const sizes = processes.map(({ memoryBytes }) => memoryBytes.value);
  const known = sizes.every((size) => size !== null);
  const largest = [...processes]
    .sort((a, b) => (b.memoryBytes.value ?? 0) - (a.memoryBytes.value ?? 0) || a.pid - b.pid)
    .slice(0, maxProcessSeries);
  return [
    { name: "gpu_processes", labels, value: processes.length },
    { name: "gpu_processes_memory_bytes", labels, value: known ? sum(sizes) : null },
    ...largest.map(({ pid, name, memoryBytes }) => ({
      name: "gpu_process_memory_bytes",
      labels: { ...labels, pid: String(pid), process: programOf(name) },
      value: memoryBytes.value,
      ...(memoryBytes.value === null ? { absence: memoryBytes.absence } : {}),
    })),
    { name: "gpu_processes_left_out", labels, value: processes.length - largest.length },
  ];
}

/** The program without its folder and arguments. */
function programOf(name: string): string {
  return clip(name.split(" ", 1)[0]?.split("/").at(-1) || name, maxProgramLength);
}

/** What the driver may want done with a card, as it says it. */
const recoveryActions = ["none", "reset", "reboot", "drain_p2p", "drain_and_reset"] as const;

/** One series for each action, 1 for the one that the driver asks for; none where this driver asks for nothing ever. */
function recoveryMeasures(
  { recoveryAction, tellsRecovery }: GpuFacts,
  labels: Readonly<Record<string, string>>,
): Measure[] {
  if (!tellsRecovery) return [];
  const said = (recoveryAction ?? "none")
    .toLowerCase()
    .replace(/^(gpu|node) /, "")
    .replaceAll(" ", "_");
  const actual = recoveryActions.find((action) => action === said) ?? "other";
  return [...recoveryActions, "other"].map((action) => ({
    name: "gpu_recovery_action",
    labels: { ...labels, action },
    value: action === actual ? 1 : 0,
  }));
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function asNumber(cell: Cell<boolean>): Cell<number> {
  return cell.value === null ? cell : { value: cell.value ? 1 : 0 };
}
