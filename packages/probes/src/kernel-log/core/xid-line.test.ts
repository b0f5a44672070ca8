import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTextLine } from "./text-line.ts";
import { parseGpuIdentity, parseXidLine } from "./xid-line.ts";

describe("the shapes of Xid lines", () => {
  it.each([
    [
      "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, name=python, GPU has fallen off the bus.",
      79,
      1234,
      "python",
    ],
    [
      "NVRM: Xid (PCI:0000:3b:00.0): 79, pid=1234, name=python, GPU has fallen off the bus.",
      79,
      1234,
      "python",
    ],
    ["NVRM: Xid (PCI:00000000:3B:00): 79, GPU has fallen off the bus.", 79, null, null],
    ["NVRM: Xid (0000:3b:00): 13, 0005 00000000 0000502d 00000104 00000000 00000100", 13, null, null],
    ["NVRM: Xid (PCI:0000:3b:00): 45, pid='<unknown>', name=<unknown>, Ch 00000010", 45, null, null],
    [
      "NVRM: Xid (PCI:0000:3b:00): 31, pid=79749, name=a b,c, Ch 0000000a, intr 00000000.",
      31,
      79749,
      "a b,c",
    ],
    [
      "NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 94, pid=7186, name=cuda, Contained: CE User Channel",
      94,
      7186,
      "cuda",
    ],
    ["NVRM: Xid (PCI:0000:3b:00): 63, pid=1896, Row Remapper: New row marked for remapping", 63, 1896, null],
    ["NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus.", 79, null, null],
    ["NVRM: GPU at PCI:0000:3b:00: GPU has fallen off the bus.", 79, null, null],
    ["NVRM: Xid (PCI:0000:3b:00): 999", 999, null, null],
  ])("%s", (message, code, pid, processName) => {
    expect(parseXidLine(message)).toMatchObject({
      kind: "xid",
      code,
      pid,
      processName,
      busId: "0000:3b:00.0",
    });
  });

  it("keep the driver's own words, the MIG instance and a domain of its own", () => {
    const line = parseXidLine("NVRM: Xid (PCI:0008:01:00 GPU-I:05): 94, pid=7186, name=cuda, Contained: CE");
    expect(line).toMatchObject({ busId: "0008:01:00.0", gpuInstance: 5, text: "Contained: CE" });
  });

  it("of NVSwitches are told apart, and their register lines are passed over", () => {
    const head = "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, ";
    expect(parseXidLine(`${head}Non-fatal, Link 46 MC TS crumbstore MCTO (First)`)).toMatchObject({
      kind: "sxid",
      code: 28006,
      device: "nvidia-nvswitch3",
      busId: "0000:c1:00.0",
      text: "Non-fatal, Link 46 MC TS crumbstore MCTO (First)",
    });
    expect(parseXidLine(`${head}Severity 0 Engine instance 46 Sub-engine instance 00`)).toBeNull();
    expect(parseXidLine(`${head}Data {0x00000000, 0x00000001}`)).toBeNull();
    expect(parseXidLine("nvidia-nvswitch1 SXid (PCI:0000:06:00.0): 12028, Fatal, Link 04")).toMatchObject({
      code: 12028,
      text: "Fatal, Link 04",
    });
  });

  it("are none when a program quotes them", () => {
    for (const text of [
      "systemd[1]: NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.",
      "NVRM: Xid (PCI:0000:3b:00): abc",
      "NVRM: Xid 79",
      "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.54.03",
      "",
    ])
      expect(parseXidLine(text)).toBeNull();
  });

  it("name the card before its first error", () => {
    const uuid = "GPU-509665ad-b600-ac93-3616-d754b23d636d";
    expect(parseGpuIdentity(`NVRM: GPU at PCI:0000:9b:00: ${uuid}`)).toEqual({ busId: "0000:9b:00.0", uuid });
    expect(parseGpuIdentity(`NVRM: GPU at 0000:9b:00: ${uuid}`)).toEqual({ busId: "0000:9b:00.0", uuid });
  });

  it.each([
    [
      "dmesg-xid-119.log",
      [
        [119, 2024380],
        [119, 2024380],
        [119, 2024380],
        [119, 1263500],
        [119, 1240590],
      ],
    ],
    ["dmesg-h100-xid-31.log", [[31, 1074]]],
  ])("in the real log %s are exactly those that contain the word Xid", (name, errors) => {
    const log = readFileSync(new URL(`../../../fixtures/kernel-log/${name}`, import.meta.url), "utf8");
    const lines = log.split("\n");
    const found = lines.map((line) =>
      parseXidLine(parseTextLine(line, { wall: 2e9, monotonic: 1e6 }).message),
    );
    expect(found.map((line) => line !== null)).toEqual(lines.map((line) => line.includes("Xid (")));
    expect(found.filter((line) => line !== null).map(({ code, pid }) => [code, pid])).toEqual(errors);
  });

  it("give bounded, whole values whatever follows", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string({ maxLength: 2000 }), fc.string(), (code, rest, noise) => {
        const line = parseXidLine(`NVRM: Xid (PCI:0000:3b:00): ${code}, ${rest}`);
        if (line !== null) {
          expect(line.code).toBe(code);
          expect(line.text.length).toBeLessThanOrEqual(300);
          expect(line.pid === null || Number.isSafeInteger(line.pid)).toBe(true);
        }
        parseXidLine(noise);
        parseGpuIdentity(noise);
      }),
    );
  });
});
