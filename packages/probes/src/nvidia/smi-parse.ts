import { busKey } from "./bus-id.ts";
import { type Fabric, parseFabric } from "./fabric.ts";
import { type GpuProcess, parseGpuProcesses } from "./gpu-processes.ts";
import { allTexts, descend, parseSmiXml, type SmiElement, textAt } from "./smi-document.ts";
import { powerPlaces, type SmiReading, smiReadings } from "./smi-readings.ts";
import {
  absent,
  type CardFault,
  type Cell,
  cardFault,
  firstKnown,
  flag,
  quantity,
  quantityWithin,
} from "./smi-value.ts";

/** One ECC counter. `volatile` counts since the driver was loaded, `aggregate` over the card's life. */
interface EccCounter {
  readonly kind: "corrected" | "uncorrected";
  readonly scope: "volatile" | "aggregate";
  /** Where, as nvidia-smi names it: `sram`, `dram`, `sram_parity`, or `all` on older drivers. */
  readonly location: string;
  readonly count: Cell<number>;
}

interface MigDevice {
  readonly index: string;
  readonly gpuInstance: string;
  readonly computeInstance: string;
  readonly memoryUsedBytes: Cell<number>;
  readonly memoryTotalBytes: Cell<number>;
  readonly uncorrectedErrors: Cell<number>;
}

/** Limits in °C, and how far away they are where the card tells only that (its T.Limit lines). */
export interface Temperatures {
  readonly gpu: Cell<number>;
  readonly slowdown: Cell<number>;
  readonly shutdown: Cell<number>;
  readonly limitMargin: Cell<number>;
  readonly slowdownMargin: Cell<number>;
  readonly shutdownMargin: Cell<number>;
  readonly memory: Cell<number>;
  readonly memoryMax: Cell<number>;
}

export const slowdownReasons = [
  "hw_slowdown",
  "hw_thermal_slowdown",
  "hw_power_brake_slowdown",
  "sw_thermal_slowdown",
  "sw_power_cap",
  "sync_boost",
  "applications_clocks_setting",
  "display_clocks_setting",
  "gpu_idle",
] as const;
type SlowdownReason = (typeof slowdownReasons)[number];

/** What nvidia-smi says of one card, in base units, with every cell that has no value saying why. */
export interface GpuFacts {
  readonly index: number;
  readonly busId: string;
  readonly uuid: string;
  readonly name: string;
  readonly fault: CardFault | null;
  readonly utilization: Cell<number>;
  readonly memoryUsedBytes: Cell<number>;
  readonly memoryTotalBytes: Cell<number>;
  readonly temperatures: Temperatures;
  readonly powerWatts: Cell<number>;
  readonly powerLimitWatts: Cell<number>;
  readonly smClockHertz: Cell<number>;
  readonly memoryClockHertz: Cell<number>;
  readonly slowdowns: Readonly<Record<SlowdownReason, Cell<boolean>>>;
  readonly ecc: readonly EccCounter[];
  readonly retirementPending: Cell<boolean>;
  readonly remapPending: Cell<boolean>;
  readonly remapFailure: Cell<boolean>;
  readonly repairPending: Cell<boolean>;
  readonly unrepairableMemory: Cell<boolean>;
  readonly sramThresholdExceeded: Cell<boolean>;
  /** The driver's own advice, such as `Reset`; null where it gives none. */
  readonly recoveryAction: string | null;
  /** Whether this driver gives such advice at all. */
  readonly tellsRecovery: boolean;
  readonly linkGeneration: Cell<number>;
  readonly linkGenerationMax: Cell<number>;
  readonly linkWidth: Cell<number>;
  readonly linkWidthMax: Cell<number>;
  readonly migEnabled: boolean;
  readonly migDevices: readonly MigDevice[];
  readonly migChangePending: boolean;
  readonly virtualization: string | null;
  readonly persistence: Cell<boolean>;
  readonly fabric: Fabric | null;
  /** Null where the driver does not say. */
  readonly processes: readonly GpuProcess[] | null;
  readonly readings: readonly SmiReading[];
}

export interface SmiReport {
  readonly driverVersion: string | null;
  /** How many cards the driver counts, which may be more than it describes. */
  readonly attachedGpus: number | null;
  readonly gpus: readonly GpuFacts[];
  readonly notices: string;
}

const maxGpus = 64;

/**
 * Reads the output of `nvidia-smi -q -x`, drivers 418 to 6xx: elements that moved are looked for in all their places.
 * @throws ProbeError `PROBE_BAD_INPUT` when there is no complete document.
 */
export function parseSmi(output: string): SmiReport {
  const { root, notices } = parseSmiXml(output);
  const cards = root.children.filter((child) => child.name === "gpu").slice(0, maxGpus);
  const inside = root.text === "" ? [] : [root.text];
  return {
    driverVersion: textAt(root, "driver_version"),
    attachedGpus: quantity(textAt(root, "attached_gpus"), [""]).value,
    gpus: cards.map((card, index) => gpuFacts(card, index)),
    notices: [notices, ...inside].filter((text) => text !== "").join("\n"),
  };
}

function gpuFacts(card: SmiElement, index: number): GpuFacts {
  const at = (...path: string[]) => textAt(card, ...path);
  const repairs = ["channel_repair_pending", "tpc_repair_pending"].map((name) =>
    flag(at("ecc_errors", name)),
  );
  const migDevices =
    descend(card, "mig_devices")?.children.filter((child) => child.name === "mig_device") ?? [];
  return {
    index,
    busId: busKey(card.id ?? at("pci", "pci_bus_id") ?? ""),
    uuid: at("uuid") ?? "",
    name: at("product_name") ?? "",
    fault: card.children
      .filter(isDriversWord)
      .flatMap(allTexts)
      .reduce<CardFault | null>((found, text) => found ?? cardFault(text), null),
    utilization: quantityWithin(at("utilization", "gpu_util"), ["%"], 0, 1),
    memoryUsedBytes: bytes(at("fb_memory_usage", "used")),
    memoryTotalBytes: bytes(at("fb_memory_usage", "total")),
    temperatures: temperatures(card),
    powerWatts: power(card, ["power_draw", "average_power_draw", "instant_power_draw"]),
    powerLimitWatts: power(card, ["current_power_limit", "enforced_power_limit", "power_limit"]),
    smClockHertz: clock(at("clocks", "sm_clock")),
    memoryClockHertz: clock(at("clocks", "mem_clock")),
    slowdowns: slowdowns(card),
    ecc: eccCounters(card),
    retirementPending: anyTrue([
      flag(at("retired_pages", "pending_retirement")),
      flag(at("retired_pages", "pending_blacklist")),
    ]),
    remapPending: remapFlag(card, "remapped_row_pending"),
    remapFailure: remapFlag(card, "remapped_row_failure"),
    repairPending: anyTrue(repairs),
    unrepairableMemory: flag(at("ecc_errors", "unrepairable_memory")),
    sramThresholdExceeded: flag(at("ecc_errors", "aggregate", "sram_threshold_exceeded")),
    recoveryAction: recoveryAction(at("gpu_recovery_action")) ?? resetStatus(card),
    tellsRecovery: tellsRecovery(at("gpu_recovery_action")),
    linkGeneration: quantity(at("pci", "pci_gpu_link_info", "pcie_gen", "current_link_gen"), [""]),
    linkGenerationMax: quantity(at("pci", "pci_gpu_link_info", "pcie_gen", "max_link_gen"), [""]),
    linkWidth: quantity(at("pci", "pci_gpu_link_info", "link_widths", "current_link_width"), ["x"]),
    linkWidthMax: quantity(at("pci", "pci_gpu_link_info", "link_widths", "max_link_width"), ["x"]),
    migEnabled: flag(at("mig_mode", "current_mig")).value === true,
    migDevices: migDevices.map(migDevice),
    migChangePending: differ(flag(at("mig_mode", "current_mig")), flag(at("mig_mode", "pending_mig"))),
    virtualization: at("gpu_virtualization_mode", "virtualization_mode"),
    persistence: flag(at("persistence_mode")),
    fabric: parseFabric(card),
    processes: parseGpuProcesses(card),
    readings: smiReadings(card),
  };
}

function differ(a: Cell<boolean>, b: Cell<boolean>): boolean {
  return a.value !== null && b.value !== null && a.value !== b.value;
}

/** The names of processes are anybody's words. */
function isDriversWord({ name }: SmiElement): boolean {
  return name !== "processes";
}

const bytes = (text: string | null): Cell<number> =>
  quantityWithin(text, ["KiB", "MiB", "GiB"], 0, Number.MAX_SAFE_INTEGER);

const clock = (text: string | null): Cell<number> => quantityWithin(text, ["MHz"], 0, 1e11);

function power(card: SmiElement, names: readonly string[]): Cell<number> {
  return firstKnown(
    powerPlaces.flatMap((place) =>
      names.map((name) => quantityWithin(textAt(card, ...place.split("/"), name), ["W"], 0, 1e5)),
    ),
  );
}

function temperatures(card: SmiElement): Temperatures {
  const at = (name: string) => quantity(textAt(card, "temperature", name), ["C"]);
  // Cards that fail to read their sensor report 0 or less.
  const sensor = (name: string) => quantityWithin(textAt(card, "temperature", name), ["C"], 1, 250);
  return {
    gpu: sensor("gpu_temp"),
    slowdown: sensor("gpu_temp_slow_threshold"),
    shutdown: sensor("gpu_temp_max_threshold"),
    limitMargin: at("gpu_temp_tlimit"),
    slowdownMargin: at("gpu_temp_slow_tlimit_threshold"),
    shutdownMargin: at("gpu_temp_max_tlimit_threshold"),
    memory: sensor("memory_temp"),
    memoryMax: sensor("gpu_temp_max_mem_threshold"),
  };
}

function slowdowns(card: SmiElement): Record<SlowdownReason, Cell<boolean>> {
  const find = (reason: SlowdownReason) =>
    firstKnown(
      ["clocks_event_reason", "clocks_throttle_reason"].map((word) =>
        flag(textAt(card, `${word}s`, `${word}_${reason}`)),
      ),
    );
  return {
    hw_slowdown: find("hw_slowdown"),
    hw_thermal_slowdown: find("hw_thermal_slowdown"),
    hw_power_brake_slowdown: find("hw_power_brake_slowdown"),
    sw_thermal_slowdown: find("sw_thermal_slowdown"),
    sw_power_cap: find("sw_power_cap"),
    sync_boost: find("sync_boost"),
    applications_clocks_setting: find("applications_clocks_setting"),
    display_clocks_setting: find("display_clocks_setting"),
    gpu_idle: find("gpu_idle"),
  };
}

function eccCounters(card: SmiElement): EccCounter[] {
  return (["volatile", "aggregate"] as const).flatMap((scope) =>
    (descend(card, "ecc_errors", scope)?.children ?? []).flatMap((child): EccCounter[] => {
      // Before driver 440: <single_bit> and <double_bit>, each with a total.
      if (child.name === "single_bit" || child.name === "double_bit") {
        const kind = child.name === "single_bit" ? "corrected" : "uncorrected";
        return [{ kind, scope, location: "all", count: counter(textAt(child, "total")) }];
      }
      const match = /^(sram|dram)_(un)?correctable(_\w+)?$/.exec(child.name);
      if (match === null) return [];
      const kind = match[2] === undefined ? "corrected" : "uncorrected";
      return [{ kind, scope, location: `${match[1] ?? ""}${match[3] ?? ""}`, count: counter(child.text) }];
    }),
  );
}

const counter = (text: string | null): Cell<number> => quantityWithin(text, [""], 0, Number.MAX_SAFE_INTEGER);

/** `<remapped_rows>N/A</remapped_rows>` stands for all that would be below it. */
function remapFlag(card: SmiElement, name: string): Cell<boolean> {
  const rows = descend(card, "remapped_rows");
  if (rows === null) return absent(null);
  return rows.children.length === 0 ? absent(rows.text) : flag(textAt(rows, name));
}

function anyTrue(cells: readonly Cell<boolean>[]): Cell<boolean> {
  return cells.find((cell) => cell.value === true) ?? firstKnown(cells);
}

function recoveryAction(text: string | null): string | null {
  if (text === null || text === "" || /^none$/i.test(text)) return null;
  return absent(text).absence === "not_applicable" || /error/i.test(text) ? null : text;
}

function tellsRecovery(text: string | null): boolean {
  return text !== null && (/^none$/i.test(text) || recoveryAction(text) !== null);
}

/** Drivers 525 to 555 say in two flags what later ones say in `gpu_recovery_action`. */
function resetStatus(card: SmiElement): string | null {
  if (flag(textAt(card, "gpu_reset_status", "reset_required")).value === true) return "Reset";
  const drain = flag(textAt(card, "gpu_reset_status", "drain_and_reset_recommended"));
  return drain.value === true ? "Drain and Reset" : null;
}

function migDevice(device: SmiElement): MigDevice {
  const at = (...path: string[]) => textAt(device, ...path);
  return {
    index: at("index") ?? "",
    gpuInstance: at("gpu_instance_id") ?? "",
    computeInstance: at("compute_instance_id") ?? "",
    memoryUsedBytes: bytes(at("fb_memory_usage", "used")),
    memoryTotalBytes: bytes(at("fb_memory_usage", "total")),
    uncorrectedErrors: counter(at("ecc_error_count", "volatile_count", "sram_uncorrectable")),
  };
}
