import { readFileSync } from "node:fs";
import { checkReportSchema } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { toReport } from "../judgement.ts";
import type { ProgramRun } from "../program-run.ts";
import { busKey } from "./bus-id.ts";
import { type GpuObservation, judgeHostGpus } from "./host-gpus.ts";
import { isNvidiaGpu } from "./pci-devices.ts";
import { parseSmi } from "./smi-parse.ts";

const single = readFileSync(new URL("../../fixtures/xml/rtx-3080-v13.xml", import.meta.url), "utf8");

/** Output of a host with `count` cards at bus 00:00.0, 01:00.0, … */
function hostXml(count: number): string {
  const start = single.indexOf("<gpu id");
  const end = single.indexOf("</gpu>") + "</gpu>".length;
  const cards = Array.from({ length: count }, (_, index) =>
    single
      .slice(start, end)
      .replace("0C:00.0", `0${index}:00.0`)
      .replace(/GPU-[0-9a-f]/, `GPU-${index}`),
  );
  return (single.slice(0, start) + cards.join("\n") + single.slice(end)).replace(
    /<attached_gpus>\d+</,
    `<attached_gpus>${count}<`,
  );
}

const pci = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ busId: `0000:0${index}:00.0`, slotWidth: 16 }));

function observe(changes: Partial<GpuObservation> & { readonly stdout?: string; readonly code?: number }) {
  const { stdout = "", code = 0, ...rest } = changes;
  const run: ProgramRun = rest.run ?? { kind: "exited", code, stdout, stderr: "" };
  return judgeHostGpus({
    run,
    report: stdout.includes("</nvidia_smi_log>") ? parseSmi(stdout) : null,
    fault: null,
    hardware: { pciGpus: [], driverLoaded: false },
    expectedGpus: null,
    seen: new Map(),
    ...rest,
  });
}

describe("a host with GPUs", () => {
  it("reports every card, with labels, in the form that servers accept", () => {
    const { judgement, gpus, utilizationRatio } = observe({ stdout: hostXml(8), expectedGpus: 8 });
    expect(judgement).toMatchObject({ state: "healthy", reason: "8 GPUs healthy" });
    expect(gpus?.map(({ index, state }) => [index, state])).toEqual(
      Array.from({ length: 8 }, (_, index) => [index, "healthy"]),
    );
    expect(utilizationRatio).toBeCloseTo(0.65);
    const report = toReport("gpu", "nvidia-smi -q -x", judgement, 1000, 999);
    expect(checkReportSchema.safeParse(report).success).toBe(true);
    const temperatures = report.readings.filter(({ name }) => name === "gpu_temperature_celsius");
    expect(temperatures.map(({ labels }) => labels.gpu)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  });

  it("is as bad as its worst card, and names it", () => {
    const stdout = hostXml(3).replace(/(02:00\.0[\s\S]*<gpu_temp>)27/, "$1" + "97");
    const { judgement, gpus } = observe({ stdout });
    expect(gpus?.map(({ state }) => state)).toEqual(["healthy", "healthy", "unhealthy"]);
    expect(judgement.reason).toContain("GPU 2 (0000:02:00.0)");
  });

  it("is unhealthy with fewer cards than expected, and names the slot from the PCI bus", () => {
    const { judgement } = observe({
      stdout: hostXml(3),
      expectedGpus: 4,
      hardware: { pciGpus: pci(4), driverLoaded: true },
    });
    expect(judgement).toMatchObject({
      state: "unhealthy",
      reason: "3 of 4 GPUs answer (missing: 0000:03:00.0)",
    });
  });

  it("keeps a card that vanished in the list, unhealthy and with its bus id", () => {
    const before = observe({ stdout: hostXml(4) });
    const after = observe({ stdout: hostXml(3), seen: before.seen });
    expect(after.judgement.state).toBe("unhealthy");
    expect(after.gpus?.[0]).toMatchObject({
      index: null,
      reason: "lost: nvidia-smi no longer lists it (it was GPU 3)",
      busId: "0000:03:00.0",
      state: "unhealthy",
      utilizationRatio: null,
    });
    expect(observe({ stdout: hostXml(4), seen: after.seen }).judgement.state).toBe("healthy");
  });

  it("does not call cards lost that only the PCI bus shows, as a container with some of them sees", () => {
    const hardware = { pciGpus: pci(8), driverLoaded: true };
    const { judgement } = observe({ stdout: hostXml(2), hardware });
    expect(judgement.state).toBe("healthy");
    expect(judgement.details?.notListed).toHaveLength(6);
  });

  it("is unknown when the driver counts more cards than it describes", () => {
    const stdout = hostXml(3).replace("<attached_gpus>3<", "<attached_gpus>4<");
    expect(observe({ stdout }).judgement.state).toBe("unknown");
  });

  it("keeps the good rows when nvidia-smi fails over one card", () => {
    const message = "Unable to determine the device handle for GPU0000:07:00.0: GPU is lost.";
    const { judgement, gpus } = observe({ stdout: `${hostXml(2)}\n${message}`, code: 15 });
    expect(judgement.state).toBe("unhealthy");
    expect(gpus?.map(({ state }) => state)).toEqual(["unhealthy", "healthy", "healthy"]);
    expect(gpus?.[0]?.busId).toBe("0000:07:00.0");
  });
});

describe("a host whose nvidia-smi gives nothing", () => {
  const missing: ProgramRun = { kind: "missing" };
  const present = { pciGpus: pci(1), driverLoaded: true };

  it("does not apply without hardware when none is expected", () => {
    for (const expectedGpus of [null, 0]) {
      const { judgement, gpus } = observe({ run: missing, expectedGpus });
      expect([judgement.state, gpus]).toEqual(["not_applicable", []]);
    }
    expect(observe({ code: 9, stdout: "couldn't communicate" }).judgement.state).toBe("not_applicable");
  });

  it("is unhealthy when GPUs are expected and confirmed absent", () => {
    expect(observe({ run: missing, expectedGpus: 8 }).judgement.state).toBe("unhealthy");
    expect(observe({ code: 6, stdout: "No devices were found", expectedGpus: 8 }).judgement.state).toBe(
      "unhealthy",
    );
  });

  it("is unknown when hardware or an expectation says that there should be GPUs", () => {
    expect(observe({ run: missing, hardware: present }).judgement.state).toBe("unknown");
    expect(observe({ run: missing, hardware: { pciGpus: [], driverLoaded: true } }).judgement.state).toBe(
      "unknown",
    );
    const blind = { pciGpus: null, driverLoaded: false };
    expect(observe({ run: missing, hardware: blind, expectedGpus: 8 }).judgement.state).toBe("unknown");
  });

  it.each<[string, ProgramRun, RegExp]>([
    ["hangs in the driver", { kind: "hung", forSeconds: 40 }, /hangs in the driver for 40 s/],
    ["is killed for taking too long", { kind: "timed_out", afterSeconds: 20 }, /no answer for 20 s/],
    ["floods", { kind: "too_long", limitBytes: 5 }, /more than 5 bytes/],
    ["may not be run", { kind: "failed", reason: "EACCES" }, /could not be run: EACCES/],
    [
      "finds no driver",
      { kind: "exited", code: 9, stdout: "", stderr: "" },
      /driver is not loaded \(nvidia-smi ended with exit code 9\)/,
    ],
    ["cannot reach a card", { kind: "exited", code: 15, stdout: "", stderr: "" }, /fell off the bus/],
    ["ends oddly", { kind: "exited", code: 77, stdout: "", stderr: "what?" }, /exit code 77: what\?/],
    [
      "does not fit the driver",
      {
        kind: "exited",
        code: 18,
        stdout: "Failed to initialize NVML: Driver/library version mismatch",
        stderr: "",
      },
      /different versions/,
    ],
  ])("is unknown with the reason when it %s", (_, run, reason) => {
    const { judgement, gpus, utilizationRatio } = observe({ run, hardware: present });
    expect(judgement.state).toBe("unknown");
    expect(judgement.reason).toMatch(reason);
    expect(judgement.action).toBeTruthy();
    expect([gpus, utilizationRatio]).toEqual([null, null]);
  });

  it("is unhealthy when it names the card it lost; of the others nothing is known", () => {
    const seen = observe({ stdout: hostXml(2) }).seen;
    const stdout = "Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error";
    const { judgement, gpus } = observe({ code: 15, stdout, hardware: present, seen });
    expect(judgement.state).toBe("unhealthy");
    expect(gpus?.map(({ busId, state }) => [busId, state])).toEqual([
      ["0000:01:00.0", "unhealthy"],
      ["0000:00:00.0", "unknown"],
    ]);
  });

  it("does not forget the cards it has seen", () => {
    const seen = observe({ stdout: hostXml(1) }).seen;
    expect(observe({ run: missing, seen }).judgement.state).toBe("unknown");
    expect(observe({ code: 6, stdout: "No devices were found", seen }).judgement.state).toBe("unhealthy");
  });
});

describe("the PCI bus", () => {
  it("counts NVIDIA display controllers, not their sound devices", () => {
    expect(isNvidiaGpu("0x10de\n", "0x030200\n")).toBe(true);
    expect(isNvidiaGpu("0x10de\n", "0x040300\n")).toBe(false);
    expect(isNvidiaGpu("0x1002\n", "0x030000\n")).toBe(false);
    expect(isNvidiaGpu(null, null)).toBe(false);
  });

  it("has one key for both spellings of a bus id", () => {
    expect(busKey("00000000:9B:00.0")).toBe(busKey("0000:9b:00.0"));
  });
});
