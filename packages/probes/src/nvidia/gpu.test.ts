import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { judgeGpu } from "./gpu.ts";
import { parseSmi } from "./smi-parse.ts";

const xml = (name: string) => readFileSync(new URL(`../../fixtures/xml/${name}`, import.meta.url), "utf8");

/** The verdict on a real card after some of its cells were changed. */
function verdictOn(file: string, changes: Readonly<Record<string, string>>, slotWidth: number | null = null) {
  let text = xml(file);
  for (const [name, value] of Object.entries(changes)) {
    if (!text.includes(`<${name}>`)) throw new Error(`${file} has no <${name}> to change`);
    text = text.replace(new RegExp(`<${name}>[^<]*</${name}>`), `<${name}>${value}</${name}>`);
  }
  const [card] = parseSmi(text).gpus;
  if (card === undefined) throw new Error("no card");
  return judgeGpu(card, slotWidth);
}

const stateOn = (...args: Parameters<typeof verdictOn>) => verdictOn(...args).state;

describe("judgeGpu", () => {
  it.each([
    "a100-sxm4-v12.xml",
    "a10g.xml",
    "gtx-1070-ti.xml",
    "h100-mig.xml",
    "rtx-3080-v13.xml",
    "rtx-4000-sff-ada-v13.xml",
    "tesla-t4.xml",
  ])("%s as captured is healthy", (file) => expect(stateOn(file, {})).toBe("healthy"));

  it("calls a fully loaded card healthy", () => {
    expect(stateOn("a10g.xml", { gpu_util: "100 %" })).toBe("healthy");
  });

  it("judges heat by the card's own limits", () => {
    const at = (degrees: number) => stateOn("tesla-t4.xml", { gpu_temp: `${degrees} C` });
    expect([at(88), at(89), at(92), at(93), at(96)]).toEqual([
      "healthy",
      "degraded",
      "degraded",
      "unhealthy",
      "unhealthy",
    ]);
    expect(verdictOn("tesla-t4.xml", { gpu_temp: "96 C" }).reason).toContain("shutdown");
  });

  it("judges heat by margins where the card tells only those", () => {
    const at = (left: number) => stateOn("h100-mig.xml", { gpu_temp_tlimit: `${left} C` });
    expect([at(3), at(2), at(-1), at(-2), at(-8)]).toEqual([
      "healthy",
      "degraded",
      "degraded",
      "unhealthy",
      "unhealthy",
    ]);
  });

  it("asks for a reset when pages, rows or repairs wait for one", () => {
    for (const verdict of [
      verdictOn("tesla-t4.xml", { pending_retirement: "Yes" }),
      verdictOn("tesla-t4.xml", { pending_blacklist: "Yes" }),
      verdictOn("a10g.xml", { remapped_row_pending: "Yes" }),
      verdictOn("rtx-3080-v13.xml", { tpc_repair_pending: "Yes" }),
    ]) {
      expect(verdict.state).toBe("degraded");
      expect(verdict.findings[0]?.action).toContain("reset");
    }
  });

  it("asks for a replacement when remapping failed, whatever else is pending", () => {
    const verdict = verdictOn("a10g.xml", { remapped_row_failure: "Yes", remapped_row_pending: "Yes" });
    expect(verdict.state).toBe("unhealthy");
    expect(verdict.findings.map(({ action }) => action)).toEqual([expect.stringContaining("replaced")]);
    expect(stateOn("h100-mig.xml", { unrepairable_memory: "Yes" })).toBe("unhealthy");
  });

  it("is unhealthy after an uncorrected error, not after corrected ones", () => {
    expect(stateOn("tesla-t4.xml", { dram_uncorrectable: "1" })).toBe("unhealthy");
    expect(stateOn("h100-mig.xml", { sram_uncorrectable_parity: "1" })).toBe("unhealthy");
    expect(stateOn("tesla-t4.xml", { dram_correctable: "9000" })).toBe("healthy");
  });

  it("is unhealthy for heat that slows the hardware, degraded for a power brake, and fine at its power cap", () => {
    const slowed = (...reasons: string[]) =>
      stateOn(
        "a100-sxm4-v12.xml",
        Object.fromEntries(reasons.map((name) => [`clocks_event_reason_${name}`, "Active"])),
      );
    expect(slowed("hw_slowdown", "hw_thermal_slowdown")).toBe("unhealthy");
    expect(slowed("hw_thermal_slowdown")).toBe("degraded");
    expect(slowed("hw_slowdown", "hw_power_brake_slowdown")).toBe("degraded");
    expect(slowed("hw_slowdown")).toBe("degraded");
    expect(slowed("sw_power_cap")).toBe("healthy");
    expect(stateOn("tesla-t4.xml", { clocks_throttle_reason_hw_power_brake_slowdown: "Active" })).toBe(
      "degraded",
    );
  });

  it("takes missing lanes as a fault only under load and when the slot has them", () => {
    expect(verdictOn("tesla-t4.xml", {}, 16)).toMatchObject({
      state: "healthy",
      notes: ["PCIe link uses 8 of 16 lanes", "persistence mode is off"],
    });
    expect(stateOn("tesla-t4.xml", { gpu_util: "90 %" }, 16)).toBe("degraded");
    expect(stateOn("tesla-t4.xml", { gpu_util: "90 %" }, 8)).toBe("healthy");
    expect(stateOn("tesla-t4.xml", { gpu_util: "90 %" }, null)).toBe("healthy");
  });

  it("follows the driver's own advice", () => {
    const advised = (text: string) => stateOn("h100-mig.xml", { gpu_recovery_action: text });
    expect([
      advised("None"),
      advised("N/A"),
      advised("Reset"),
      advised("Reboot"),
      advised("Drain and Reset"),
    ]).toEqual(["healthy", "healthy", "unhealthy", "unhealthy", "degraded"]);
  });

  it("follows the reset flags of older drivers", () => {
    expect(stateOn("a100-sxm4-v12.xml", { reset_required: "Yes" })).toBe("unhealthy");
    expect(stateOn("a100-sxm4-v12.xml", { drain_and_reset_recommended: "Yes" })).toBe("degraded");
    expect(
      stateOn("a100-sxm4-v12.xml", { reset_required: "Requested functionality has been deprecated" }),
    ).toBe("healthy");
  });

  it("is unhealthy when any cell says that the card is lost or requires a reset", () => {
    expect(stateOn("tesla-t4.xml", { fan_speed: "GPU is lost" })).toBe("unhealthy");
    expect(stateOn("tesla-t4.xml", { gpu_util: "[GPU requires reset]" })).toBe("unhealthy");
  });

  it("is unknown when the sensors fail, and a virtual card without sensors is not", () => {
    const broken = verdictOn("tesla-t4.xml", { gpu_temp: "ERR!" });
    expect(broken).toMatchObject({ state: "unknown", reason: "no value for temperature (ERR!)" });
    expect(stateOn("tesla-t4.xml", { gpu_temp: "0 C" })).toBe("unknown");
    expect(stateOn("tesla-t4.xml", { gpu_temp: "N/A", virtualization_mode: "VGPU" })).toBe("healthy");
  });
});
