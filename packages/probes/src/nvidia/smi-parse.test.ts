import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeGpu } from "./gpu.ts";
import { gpuMeasures } from "./gpu-measures.ts";
import { type GpuFacts, parseSmi } from "./smi-parse.ts";
import { absent, flag, quantity, quantityWithin } from "./smi-value.ts";

const folder = new URL("../../fixtures/xml/", import.meta.url);
const xml = (name: string) => readFileSync(new URL(name, folder), "utf8");

function onlyCard(output: string): GpuFacts {
  const [card, ...others] = parseSmi(output).gpus;
  if (card === undefined || others.length > 0) throw new Error("expected one card");
  return card;
}

const noValues = [
  "N/A",
  "[N/A]",
  "Not Supported",
  "[Not Supported]",
  "[Unknown Error]",
  "Unknown Error",
  "[Insufficient Permissions]",
  "[GPU requires reset]",
  "GPU requires reset",
  "ERR!",
  "GPU is lost",
  "Requested functionality has been deprecated",
  "None",
  "",
];

describe("cells of nvidia-smi", () => {
  it.each(noValues)("%j is no number and no flag", (text) => {
    for (const cell of [quantity(text, ["C"]), quantityWithin(text, ["%"], 0, 1), flag(text)]) {
      expect(cell.value).toBeNull();
      expect(["unknown", "not_applicable"]).toContain(cell.absence);
    }
  });

  it("tells what does not exist from what could not be read", () => {
    expect(absent("[N/A]").absence).toBe("not_applicable");
    expect(absent("[Not Supported]").absence).toBe("not_applicable");
    for (const text of ["ERR!", "[Unknown Error]", "", "anything"])
      expect(absent(text).absence).toBe("unknown");
    expect(absent(null).absence).toBe("unknown");
  });

  it("gives base units and refuses another unit", () => {
    expect(quantity("16160 MiB", ["MiB"]).value).toBe(16160 * 1024 ** 2);
    expect(quantity("37 %", ["%"]).value).toBeCloseTo(0.37);
    expect(quantity("1980 MHz", ["MHz"]).value).toBe(1.98e9);
    expect(quantity("-8 C", ["C"]).value).toBe(-8);
    expect(quantity("40 F", ["C"]).value).toBeNull();
    expect(quantity("1,234 MiB", ["MiB"]).value).toBeNull();
  });

  it("any text without digits is no value", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/\d/.test(text)) expect(quantity(text, ["", "C", "W", "%"]).value).toBeNull();
      }),
    );
  });
});

describe("parseSmi", () => {
  it("reads driver 515 (T4), with the older names", () => {
    const card = onlyCard(xml("tesla-t4.xml"));
    expect(card).toMatchObject({
      index: 0,
      busId: "0000:00:1e.0",
      uuid: "GPU-d37e67a5-91dd-3774-a5cb-99096249601a",
      powerWatts: { value: 26.78 },
      powerLimitWatts: { value: 70 },
      linkWidth: { value: 8 },
      linkWidthMax: { value: 16 },
      retirementPending: { value: false },
      remapPending: { absence: "not_applicable" },
      virtualization: "Pass-Through",
    });
    expect(card.temperatures).toMatchObject({
      gpu: { value: 40 },
      slowdown: { value: 93 },
      shutdown: { value: 96 },
    });
    expect(card.slowdowns.hw_slowdown.value).toBe(false);
  });

  it("reads driver 535 (A100 with MIG) and keeps utilisation absent", () => {
    const card = onlyCard(xml("a100-sxm4-v12.xml"));
    expect(card.migEnabled).toBe(true);
    expect(card.migDevices).toHaveLength(4);
    expect(card.migDevices[0]?.memoryTotalBytes.value).toBe(19_968 * 1024 ** 2);
    expect(card.utilization).toMatchObject({ value: null, absence: "not_applicable" });
    expect(parseSmi(xml("a100-sxm4-v12.xml")).attachedGpus).toBe(4);
  });

  it("reads drivers 590 and 595, where limits are margins", () => {
    const h100 = onlyCard(xml("h100-mig.xml"));
    expect(h100.temperatures).toMatchObject({
      gpu: { value: 42 },
      limitMargin: { value: 45 },
      slowdownMargin: { value: -2 },
      shutdownMargin: { value: -8 },
      memory: { value: 48 },
    });
    expect(h100.powerWatts.value).toBe(71.27);
    expect(h100.migDevices.map((device) => device.gpuInstance)).toEqual(["2", "3", "9", "10"]);
    const ada = onlyCard(xml("rtx-4000-sff-ada-v13.xml"));
    expect(ada.powerWatts.value).toBe(8.81);
    expect(ada.ecc.every((counter) => counter.count.absence === "not_applicable")).toBe(true);
    expect(ada.ecc.map(({ location }) => location)).toContain("sram_parity");
    expect(onlyCard(xml("rtx-3080-v13.xml")).utilization.value).toBeCloseTo(0.65);
  });

  it("reads the few elements of an old card and invents none", () => {
    const card = onlyCard(xml("gtx-1070-ti.xml"));
    expect(card.temperatures.gpu.value).toBe(39);
    expect(card.powerWatts).toMatchObject({ value: null, absence: "not_applicable" });
    expect(card.temperatures.slowdown).toMatchObject({ value: null, absence: "unknown" });
    expect(card.ecc).toEqual([]);
  });

  it("reads ECC counters of drivers before 440", () => {
    const old = xml("gtx-1070-ti.xml").replace(
      "<compute_mode>",
      "<ecc_errors><volatile><single_bit><total>2</total></single_bit><double_bit><total>1</total></double_bit>" +
        "</volatile></ecc_errors><compute_mode>",
    );
    const card = onlyCard(old);
    expect(card.ecc).toEqual([
      { kind: "corrected", scope: "volatile", location: "all", count: { value: 2 } },
      { kind: "uncorrected", scope: "volatile", location: "all", count: { value: 1 } },
    ]);
    expect(judgeGpu(card, null).state).toBe("unhealthy");
  });

  it("reads every card, Windows line ends and process names without escapes", () => {
    const one = xml("rtx-3080-v13.xml");
    const start = one.indexOf("<gpu id");
    const end = one.indexOf("</gpu>") + "</gpu>".length;
    const card = one
      .slice(start, end)
      .replace(
        /<processes>\s*<\/processes>/,
        "<processes><process_name>a < b & c</process_name></processes>",
      );
    const cards = Array.from({ length: 8 }, (_, index) => card.replace("0C:00.0", `0${index}:00.0`));
    const output = `${one.slice(0, start)}${cards.join("\n")}${one.slice(end)}`.replaceAll("\n", "\r\n");
    const { gpus } = parseSmi(output);
    expect(gpus.map(({ index, busId }) => [index, busId])).toEqual(
      cards.map((_, index) => [index, `0000:0${index}:00.0`]),
    );
  });

  it("keeps complaints around the document as notices", () => {
    const { gpus, notices } = parseSmi(`GPU is lost\n${xml("a10g.xml")}\ntrailing words`);
    expect(gpus).toHaveLength(1);
    expect(notices).toContain("GPU is lost");
    expect(notices).toContain("trailing words");
  });

  it("says whether the document is missing, cut off or malformed", () => {
    const real = xml("a10g.xml");
    expect(() => parseSmi("")).toThrowError(/no XML/);
    expect(() => parseSmi(real.slice(0, real.length / 2))).toThrowError(/cut off/);
    expect(() => parseSmi("<nvidia_smi_log><gpu></nvidia_smi_log>")).toThrowError(/malformed/);
    const deep = `${"<a>".repeat(50)}${"</a>".repeat(50)}`;
    expect(() => parseSmi(`<nvidia_smi_log>${deep}</nvidia_smi_log>`)).toThrowError(/deeper/);
    const bottomless = `${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}`;
    expect(() => parseSmi(`<nvidia_smi_log>${bottomless}</nvidia_smi_log>`)).toThrowError();
  });

  it("never expands entities", () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "40 C">]><nvidia_smi_log><gpu>&a;</gpu></nvidia_smi_log>';
    expect(() => parseSmi(bomb)).toThrowError(/malformed/);
  });

  it("finds the limits of power where driver 610 has moved them", () => {
    const moved = xml("rtx-3080-v13.xml").replace(
      /(<current_power_limit>[\s\S]*?<\/default_power_limit>)/,
      "<gpu_ceiling_power_limit>$1</gpu_ceiling_power_limit>",
    );
    expect(moved).toContain("gpu_ceiling_power_limit");
    const limits = (text: string) =>
      gpuMeasures(onlyCard(text)).filter(({ name }) => name.startsWith("gpu_power_limit"));
    expect(limits(moved)).toEqual(limits(xml("rtx-3080-v13.xml")));
    expect(limits(moved).some(({ value }) => value === null)).toBe(false);
  });

  it("any damage gives a typed error or finite values, never both a value and a reason for none", () => {
    const files = readdirSync(folder).map((name) =>
      xml(name).replace(/<supported_clocks>[\s\S]*<\/supported_clocks>/, ""),
    );
    const damaged = fc
      .tuple(fc.constantFrom(...files), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), fc.string())
      .map(([file, at, cut, insert]) => {
        const index = Math.floor(at * file.length);
        return file.slice(0, index) + insert + file.slice(index + cut);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged), (output) => {
        let cards: readonly GpuFacts[];
        try {
          cards = parseSmi(output).gpus;
        } catch (error) {
          expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_BAD_INPUT" });
          return;
        }
        for (const card of cards) {
          judgeGpu(card, 16);
          for (const { value, absence } of gpuMeasures(card)) {
            if (value !== null) {
              expect(Number.isFinite(value)).toBe(true);
              expect(absence).toBeUndefined();
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("a card whose every cell says no value has no reading with a value", () => {
    for (const text of noValues) {
      const blank = xml("tesla-t4.xml").replace(
        /<(\w+)>[^<>\n]+<\/\1>/g,
        (_, name: string) => `<${name}>${text}</${name}>`,
      );
      const card = onlyCard(blank);
      expect(gpuMeasures(card).filter(({ value }) => value !== null)).toEqual([]);
      expect(["unknown", "unhealthy"]).toContain(judgeGpu(card, 16).state);
    }
  });
});
