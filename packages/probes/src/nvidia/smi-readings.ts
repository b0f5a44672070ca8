// core: pure
import { type SmiElement, textAt } from "./smi-document.ts";
import { type Cell, firstKnown, flag, quantityWithin } from "./smi-value.ts";

/** One more value of a card, as a metric without the `ringrift_` before it. */
export interface SmiReading {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: Cell<number>;
}

interface Row {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it stands, in every version; the first place with a value is taken. */
  readonly places: readonly string[];
  readonly units: readonly string[] | "flag" | "state";
  readonly max?: number;
}

const bytes = ["KiB", "MiB", "GiB"];
const count = [""];
const ratio = ["%"];
const watts = ["W"];
const megahertz = ["MHz"];
const celsius = ["C"];

const row = (name: string, units: Row["units"], ...places: string[]): Row => ({ name, units, places });
const labelled = (
  name: string,
  label: string,
  value: string,
  units: Row["units"],
  ...places: string[]
): Row => ({
  ...row(name, units, ...places),
  labels: { [label]: value },
});
/** The table of power, which was renamed in driver 535, and whose limits moved down in driver 610. */
export const powerPlaces: readonly string[] = [
  "gpu_power_readings",
  "gpu_power_readings/gpu_ceiling_power_limit",
  "power_readings",
];
const power = (name: string): string[] => powerPlaces.map((place) => `${place}/${name}`);
const throttled = (reason: string, element: string): Row =>
  labelled(
    "gpu_throttle_seconds_total",
    "reason",
    reason,
    ["us"],
    `clocks_event_reasons_counters/clocks_event_reasons_counters_${element}`,
  );
const link = "pci/pci_gpu_link_info/pcie_gen";

/** What is told beside the values that are judged. A card or driver without one has no series of it. */
const rows: readonly Row[] = [
  row("gpu_memory_free_bytes", bytes, "fb_memory_usage/free"),
  row("gpu_memory_reserved_bytes", bytes, "fb_memory_usage/reserved"),
  row("gpu_bar1_used_bytes", bytes, "bar1_memory_usage/used"),
  row("gpu_bar1_total_bytes", bytes, "bar1_memory_usage/total"),
  row("gpu_memory_utilization_ratio", ratio, "utilization/memory_util"),
  row("gpu_encoder_utilization_ratio", ratio, "utilization/encoder_util"),
  row("gpu_decoder_utilization_ratio", ratio, "utilization/decoder_util"),
  row("gpu_fan_speed_ratio", ratio, "fan_speed"),
  row("gpu_performance_state", "state", "performance_state", "power_readings/power_state"),
  row("gpu_persistence_mode", "flag", "persistence_mode"),
  row("gpu_ecc_enabled", "flag", "ecc_mode/current_ecc"),
  row("gpu_power_instant_watts", watts, ...power("instant_power_draw")),
  row("gpu_power_limit_default_watts", watts, ...power("default_power_limit")),
  row("gpu_power_limit_min_watts", watts, ...power("min_power_limit")),
  row("gpu_power_limit_max_watts", watts, ...power("max_power_limit")),
  row(
    "gpu_module_power_watts",
    watts,
    "module_power_readings/average_power_draw",
    "module_power_readings/power_draw",
  ),
  row("gpu_memory_power_watts", watts, "gpu_memory_power_readings/average_power_draw"),
  row("gpu_graphics_clock_hertz", megahertz, "clocks/graphics_clock"),
  row("gpu_video_clock_hertz", megahertz, "clocks/video_clock"),
  row("gpu_sm_clock_max_hertz", megahertz, "max_clocks/sm_clock"),
  row("gpu_memory_clock_max_hertz", megahertz, "max_clocks/mem_clock"),
  row("gpu_temperature_slowdown_celsius", celsius, "temperature/gpu_temp_slow_threshold"),
  row("gpu_temperature_shutdown_celsius", celsius, "temperature/gpu_temp_max_threshold"),
  row("gpu_pcie_link_generation", count, `${link}/current_link_gen`),
  row("gpu_pcie_link_generation_max", count, `${link}/max_link_gen`),
  row("gpu_pcie_replays_total", count, "pci/replay_counter"),
  row("gpu_pcie_transmit_bytes_per_second", ["KB/s"], "pci/tx_util"),
  row("gpu_pcie_receive_bytes_per_second", ["KB/s"], "pci/rx_util"),
  throttled("sw_power_cap", "sw_power_cap"),
  throttled("sync_boost", "sync_boost"),
  throttled("sw_thermal_slowdown", "sw_therm_slowdown"),
  throttled("hw_thermal_slowdown", "hw_therm_slowdown"),
  throttled("hw_power_brake_slowdown", "hw_power_brake"),
  labelled(
    "gpu_retired_pages",
    "cause",
    "single_bit",
    count,
    "retired_pages/multiple_single_bit_retirement/retired_count",
  ),
  labelled(
    "gpu_retired_pages",
    "cause",
    "double_bit",
    count,
    "retired_pages/double_bit_retirement/retired_count",
  ),
  labelled("gpu_remapped_rows", "cause", "corrected", count, "remapped_rows/remapped_row_corr"),
  labelled("gpu_remapped_rows", "cause", "uncorrected", count, "remapped_rows/remapped_row_unc"),
  ...["max", "high", "partial", "low", "none"].map((left) =>
    labelled(
      "gpu_row_remap_banks",
      "available",
      left,
      ["bank(s)"],
      `remapped_rows/row_remapper_histogram/row_remapper_histogram_${left}`,
    ),
  ),
];

/** The values of a card that nobody judges; one whose element is missing is left out. */
export function smiReadings(card: SmiElement): SmiReading[] {
  return rows.flatMap(({ name, labels = {}, places, units }) => {
    const texts = places.map((place) => textAt(card, ...place.split("/"))).filter((text) => text !== null);
    if (texts.length === 0) return [];
    return [{ name, labels, cell: firstKnown(texts.map((text) => cellOf(text, units))) }];
  });
}

function cellOf(text: string, units: Row["units"]): Cell<number> {
  if (units === "flag") {
    const cell = flag(text);
    return cell.value === null ? cell : { value: cell.value ? 1 : 0 };
  }
  if (units === "state") return quantityWithin(text.replace(/^P(?=\d)/, ""), [""], 0, 15);
  return quantityWithin(text, units, 0, units === ratio ? 1 : Number.MAX_SAFE_INTEGER);
}
