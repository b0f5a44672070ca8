import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gpuMeasures } from "./gpu-measures.ts";
import { type GpuFacts, parseSmi } from "./smi-parse.ts";

const [card] = parseSmi(
  readFileSync(new URL("../../fixtures/xml/rtx-3080-v13.xml", import.meta.url), "utf8"),
).gpus;
if (card === undefined) throw new Error("no card");
const seriesOf = (name: string, fields: Partial<GpuFacts>) =>
  gpuMeasures({ ...card, ...fields }).filter((measure) => measure.name === name);

describe("the readings of a card", () => {
  it("have a series for each of its largest processes, and count the others", () => {
    const processes = Array.from({ length: 20 }, (_, index) => ({
      pid: 100 + index,
      type: "C",
      name: `/opt/venv/bin/python3 train.py --rank ${index}`,
      memoryBytes: { value: index * 1e9 },
    }));
    const series = seriesOf("gpu_process_memory_bytes", { processes });
    expect(series).toHaveLength(8);
    expect(series[0]).toMatchObject({ labels: { pid: "119", process: "python3" }, value: 19e9 });
    expect(seriesOf("gpu_processes_left_out", { processes })[0]?.value).toBe(12);
    expect(seriesOf("gpu_processes", { processes })[0]?.value).toBe(20);
  });

  it("of a process whose memory is not told have none of it, and not 0", () => {
    const memoryBytes = { value: null, absence: "not_applicable", text: "N/A" } as const;
    const processes = [{ pid: 7, type: "C", name: "[Insufficient Permissions]", memoryBytes }];
    expect(seriesOf("gpu_process_memory_bytes", { processes })).toMatchObject([
      { value: null, absence: "not_applicable" },
    ]);
  });

  it("say which action the driver asks for, where it asks for any", () => {
    const active = (fields: Partial<GpuFacts>) =>
      seriesOf("gpu_recovery_action", fields)
        .filter(({ value }) => value === 1)
        .map(({ labels }) => labels?.action);
    expect(active({ tellsRecovery: true, recoveryAction: null })).toEqual(["none"]);
    expect(active({ tellsRecovery: true, recoveryAction: "Drain and Reset" })).toEqual(["drain_and_reset"]);
    expect(active({ tellsRecovery: true, recoveryAction: "GPU Reset" })).toEqual(["reset"]);
    expect(active({ tellsRecovery: true, recoveryAction: "Call Home" })).toEqual(["other"]);
    expect(seriesOf("gpu_recovery_action", { tellsRecovery: false })).toEqual([]);
  });
});
