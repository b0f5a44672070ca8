import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Measure } from "../judgement.ts";
import { gpuMeasures } from "./gpu-measures.ts";
import { parseSmi } from "./smi-parse.ts";

/**
 * The values of a capture, read a second time by searching its text: metric and labels, the block, the elements in it, the
 * factor to the base unit. Written from the captures, not from the parser.
 */
const oracle: readonly (readonly [string, string, string, number])[] = [
  ["gpu_utilization_ratio", "utilization", "gpu_util", 0.01],
  ["gpu_memory_utilization_ratio", "utilization", "memory_util", 0.01],
  ["gpu_encoder_utilization_ratio", "utilization", "encoder_util", 0.01],
  ["gpu_decoder_utilization_ratio", "utilization", "decoder_util", 0.01],
  ["gpu_memory_used_bytes", "fb_memory_usage", "used", 1048576],
  ["gpu_memory_total_bytes", "fb_memory_usage", "total", 1048576],
  ["gpu_memory_free_bytes", "fb_memory_usage", "free", 1048576],
  ["gpu_memory_reserved_bytes", "fb_memory_usage", "reserved", 1048576],
  ["gpu_bar1_used_bytes", "bar1_memory_usage", "used", 1048576],
  ["gpu_bar1_total_bytes", "bar1_memory_usage", "total", 1048576],
  ["gpu_temperature_celsius", "temperature", "gpu_temp", 1],
  ["gpu_memory_temperature_celsius", "temperature", "memory_temp", 1],
  ["gpu_temperature_slowdown_celsius", "temperature", "gpu_temp_slow_threshold", 1],
  ["gpu_temperature_shutdown_celsius", "temperature", "gpu_temp_max_threshold", 1],
  ["gpu_fan_speed_ratio", "", "fan_speed", 0.01],
  [
    "gpu_power_watts",
    "power_readings|gpu_power_readings",
    "power_draw|average_power_draw|instant_power_draw",
    1,
  ],
  ["gpu_power_instant_watts", "gpu_power_readings", "instant_power_draw", 1],
  [
    "gpu_power_limit_watts",
    "power_readings|gpu_power_readings",
    "current_power_limit|enforced_power_limit|power_limit",
    1,
  ],
  ["gpu_power_limit_default_watts", "power_readings|gpu_power_readings", "default_power_limit", 1],
  ["gpu_power_limit_min_watts", "power_readings|gpu_power_readings", "min_power_limit", 1],
  ["gpu_power_limit_max_watts", "power_readings|gpu_power_readings", "max_power_limit", 1],
  ["gpu_module_power_watts", "module_power_readings", "average_power_draw|power_draw", 1],
  ["gpu_memory_power_watts", "gpu_memory_power_readings", "average_power_draw", 1],
  ["gpu_sm_clock_hertz", "clocks", "sm_clock", 1e6],
  ["gpu_memory_clock_hertz", "clocks", "mem_clock", 1e6],
  ["gpu_graphics_clock_hertz", "clocks", "graphics_clock", 1e6],
  ["gpu_video_clock_hertz", "clocks", "video_clock", 1e6],
  ["gpu_sm_clock_max_hertz", "max_clocks", "sm_clock", 1e6],
  ["gpu_memory_clock_max_hertz", "max_clocks", "mem_clock", 1e6],
  ["gpu_pcie_link_generation", "pcie_gen", "current_link_gen", 1],
  ["gpu_pcie_link_generation_max", "pcie_gen", "max_link_gen", 1],
  ["gpu_pcie_link_width_lanes", "link_widths", "current_link_width", 1],
  ["gpu_pcie_link_width_max_lanes", "link_widths", "max_link_width", 1],
  ["gpu_pcie_replays_total", "pci", "replay_counter", 1],
  ["gpu_pcie_transmit_bytes_per_second", "pci", "tx_util", 1000],
  ["gpu_pcie_receive_bytes_per_second", "pci", "rx_util", 1000],
  ["gpu_performance_state", "", "performance_state", 1],
  ["gpu_persistence_mode", "", "persistence_mode", 1],
  ["gpu_ecc_enabled", "ecc_mode", "current_ecc", 1],
  ["gpu_retired_pages single_bit", "multiple_single_bit_retirement", "retired_count", 1],
  ["gpu_retired_pages double_bit", "double_bit_retirement", "retired_count", 1],
  ["gpu_remapped_rows corrected", "remapped_rows", "remapped_row_corr", 1],
  ["gpu_remapped_rows uncorrected", "remapped_rows", "remapped_row_unc", 1],
  ["gpu_row_remap_failure", "remapped_rows", "remapped_row_failure", 1],
  ["gpu_reset_pending remap", "remapped_rows", "remapped_row_pending", 1],
  ...["max", "high", "partial", "low", "none"].map(
    (left) =>
      [`gpu_row_remap_banks ${left}`, "row_remapper_histogram", `row_remapper_histogram_${left}`, 1] as const,
  ),
  ...["volatile", "aggregate"].flatMap((scope) => [
    [`gpu_ecc_errors_total corrected sram ${scope}`, scope, "sram_correctable", 1] as const,
    [`gpu_ecc_errors_total corrected dram ${scope}`, scope, "dram_correctable", 1] as const,
    [`gpu_ecc_errors_total uncorrected dram ${scope}`, scope, "dram_uncorrectable", 1] as const,
    [`gpu_ecc_errors_total uncorrected sram ${scope}`, scope, "sram_uncorrectable", 1] as const,
    [`gpu_ecc_errors_total uncorrected sram_parity ${scope}`, scope, "sram_uncorrectable_parity", 1] as const,
    [`gpu_ecc_errors_total uncorrected sram_secded ${scope}`, scope, "sram_uncorrectable_secded", 1] as const,
  ]),
  ...[
    "hw_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "sw_thermal_slowdown",
    "sw_power_cap",
    "sync_boost",
    "applications_clocks_setting",
    "display_clocks_setting",
    "gpu_idle",
  ].map(
    (reason) =>
      [
        `gpu_throttle ${reason}`,
        "clocks_event_reasons|clocks_throttle_reasons",
        `clocks_event_reason_${reason}|clocks_throttle_reason_${reason}`,
        1,
      ] as const,
  ),
  ...(
    [
      ["sw_power_cap", "sw_power_cap"],
      ["sync_boost", "sync_boost"],
      ["sw_thermal_slowdown", "sw_therm_slowdown"],
      ["hw_thermal_slowdown", "hw_therm_slowdown"],
      ["hw_power_brake_slowdown", "hw_power_brake"],
    ] as const
  ).map(
    ([reason, element]) =>
      [
        `gpu_throttle_seconds_total ${reason}`,
        "clocks_event_reasons_counters",
        `clocks_event_reasons_counters_${element}`,
        1e-6,
      ] as const,
  ),
];

/** Sums and differences over several elements, and what has tests of its own. */
const derived = new Set([
  "gpu_temperature_slowdown_margin_celsius",
  "gpu_processes",
  "gpu_processes_memory_bytes",
  "gpu_process_memory_bytes",
  "gpu_processes_left_out",
  ...["none", "reset", "reboot", "drain_p2p", "drain_and_reset", "other"].map(
    (action) => `gpu_recovery_action ${action}`,
  ),
  "gpu_fabric_ready",
  "gpu_mig_memory_used_bytes",
  "gpu_mig_memory_total_bytes",
  "gpu_reset_pending retirement",
  "gpu_reset_pending repair",
]);

const folder = new URL("../../fixtures/xml/", import.meta.url);
const captures = readdirSync(folder).map((name) => ({
  name,
  xml: readFileSync(new URL(name, folder), "utf8"),
}));

function cardsOf(xml: string): string[] {
  const plain = xml
    .replace(/<mig_devices>[\s\S]*?<\/mig_devices>/g, "")
    .replace(/<supported_clocks>[\s\S]*?<\/supported_clocks>/g, "");
  return plain.split("<gpu id=").slice(1);
}

/** The raw text of the first of the elements in the first of the blocks that has a value. */
function rawText(card: string, blocks: string, elements: string): string | null {
  let said: string | null = null;
  for (const block of blocks.split("|")) {
    const inside = block === "" ? card : new RegExp(`<${block}>([\\s\\S]*?)</${block}>`).exec(card)?.[1];
    for (const element of elements.split("|")) {
      const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(inside ?? "")?.[1]?.trim();
      if (text === undefined) continue;
      said ??= text;
      if (rawNumber(text) !== null) return text;
    }
  }
  return said;
}

function rawNumber(text: string): number | null {
  if (/^(Active|Enabled|Yes)$/.test(text)) return 1;
  if (/^(Not Active|Disabled|No)$/.test(text)) return 0;
  return /^P?\d/.test(text) ? Number.parseFloat(text.replace("P", "")) : null;
}

function nameOf({ name, labels = {} }: Measure): string {
  const { gpu: _, uuid: __, mig: ___, gpu_instance: ____, pid: _____, process: ______, ...rest } = labels;
  const { kind, location, scope, ...others } = rest;
  return [name, kind, location, scope, ...Object.values(others)]
    .filter((part) => part !== undefined)
    .join(" ");
}

function expectSame(name: string, value: number | null, text: string | null, factor: number): void {
  const number = text === null ? null : rawNumber(text);
  if (number === null) expect(value, `${name}: ${text ?? "absent"}`).toBeNull();
  else expect(value, `${name}: ${text ?? "absent"}`).toBeCloseTo(number * factor, 6);
}

function valuesOf(xml: string, index: number): ReadonlyMap<string, number | null> {
  const card = parseSmi(xml).gpus[index];
  if (card === undefined) throw new Error("no such card");
  return new Map(gpuMeasures(card).map((measure) => [nameOf(measure), measure.value]));
}

describe("every value of a capture", () => {
  it.each(captures)("$name is the file's own", ({ xml }) => {
    for (const [index, card] of cardsOf(xml).entries()) {
      const values = valuesOf(xml, index);
      for (const [name, block, element, factor] of oracle)
        expectSame(name, values.get(name) ?? null, rawText(card, block, element), factor);
    }
  });

  it.each(captures)("$name gives no value that nobody looked up in it", ({ xml }) => {
    const known = new Set([...oracle.map(([name]) => name), ...derived]);
    for (const index of cardsOf(xml).keys())
      expect([...valuesOf(xml, index).keys()].filter((name) => !known.has(name))).toEqual([]);
  });

  it("follows any other number that stands in its place", () => {
    const settable = captures.flatMap(({ xml }) =>
      cardsOf(xml).flatMap((card, index) =>
        oracle
          .filter(([, block, element]) => !block.includes("|") && !element.includes("|"))
          .map(([name, block, element, factor]) => ({
            xml,
            index,
            name,
            block,
            element,
            factor,
            text: rawText(card, block, element),
          }))
          .filter(({ text }) => text !== null && /^\d/.test(text)),
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...settable), fc.integer({ min: 1, max: 100 }), (place, number) => {
        const { xml, index, name, block, element, factor, text } = place;
        const unit = (text ?? "").replace(/^[\d.]+/, "");
        const before = xml.split("<gpu id=");
        const card = before[index + 1] ?? "";
        const migEnd = Math.max(0, card.indexOf("</mig_devices>"));
        const start = block === "" ? migEnd : card.indexOf(`<${block}>`, migEnd);
        const at = card.indexOf(`<${element}>`, start) + element.length + 2;
        const changed = card.slice(0, at) + number + unit + card.slice(card.indexOf("<", at));
        const all = before
          .map((part, position) => (position === index + 1 ? changed : part))
          .join("<gpu id=");
        expect(valuesOf(all, index).get(name), `${name} ${number}${unit}`).toBeCloseTo(number * factor, 6);
      }),
      { numRuns: 300 },
    );
  });
});
