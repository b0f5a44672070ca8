import type { CheckReport, SignalState } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { worstFirst } from "./checks.ts";
import { scanScreen } from "./scan-screen.ts";
import { table, wrap } from "./table.ts";

const check = (name: string, state: SignalState, fields: Partial<CheckReport> = {}): CheckReport => ({
  check: name,
  state,
  reason: `${name} is ${state}`,
  details: {},
  readings: [],
  observedAt: 0,
  durationSeconds: 0.0124,
  ...fields,
});
const checks = worstFirst([
  check("cpu", "healthy"),
  check("gpu", "unhealthy", { action: "Drain the node." }),
  check("ib", "not_applicable"),
  check("clock", "unknown"),
  check("disks", "degraded"),
  check("xid", "unhealthy"),
]);

describe("the screen of a scan", () => {
  it("begins with the line that monitoring systems read", () => {
    const [first = ""] = scanScreen({ host: "gpu-7", machine: {}, checks }).split("\n");
    expect(first).toBe(
      "SCAN CRITICAL - 6 checks: 2 unhealthy, 1 degraded, 1 unknown, 1 healthy, 1 not applicable | unhealthy=2 degraded=1 unknown=1 healthy=1 not_applicable=1",
    );
    expect(scanScreen({ host: "gpu-7", machine: {}, checks: [] })).toMatch(
      /^SCAN UNKNOWN - 0 checks: none \|/,
    );
  });

  it("shows the worst first, each in its own order, and what to do", () => {
    const screen = scanScreen({ host: "gpu-7", machine: {}, checks });
    const names = screen.split("\n").flatMap((line) => /^(\w+) +[●▲■○]/.exec(line)?.[1] ?? []);
    expect(names).toEqual(["gpu", "xid", "disks", "clock", "cpu", "ib"]);
    expect(screen).toContain("What to do\n  gpu\n    Drain the node.");
  });

  it("says what machine it is, and leaves out what nobody knows", () => {
    const whole = scanScreen({
      host: "gpu-7",
      machine: {
        vendor: "Dell Inc.",
        model: "PowerEdge XE9680",
        os: "Ubuntu 22.04",
        kernel: "5.15.0",
        architecture: "x64",
        cpuModel: "Intel Xeon Platinum 8480+",
        cpuSockets: 2,
        cpuCores: 224,
        memoryBytes: 2048 * 1024 ** 3,
        gpuDriver: "590.48.01",
        gpus: [{ name: "NVIDIA H100 80GB HBM3", count: 8 }],
      },
      checks,
    });
    expect(whole.split("\n\n")[1]?.split("\n")).toEqual([
      "host    gpu-7",
      "machine Dell Inc. PowerEdge XE9680",
      "system  Ubuntu 22.04, kernel 5.15.0, x64",
      "cpu     2 x Intel Xeon Platinum 8480+, 224 cores",
      "memory  2048.0 GiB",
      "gpus    8 x NVIDIA H100 80GB HBM3, driver 590.48.01",
    ]);
    expect(scanScreen({ host: "a", machine: {}, checks }).split("\n\n")[1]).toBe(
      "host    a\ngpus    not known",
    );
    expect(scanScreen({ host: "a", machine: { gpus: [] }, checks })).toContain("gpus    none");
  });
});

describe("a table", () => {
  it("wraps its last column at the screen's edge, under itself", () => {
    const lines = table(["A", "WHY"], [["x", "one two three four five six seven eight"]], 30).split("\n");
    expect(lines).toEqual(["A  WHY", "x  one two three four five six", "   seven eight"]);
  });

  it("keeps lines whole where there is no screen, and cuts words that no line holds", () => {
    expect(table(["A", "WHY"], [["x", "y".repeat(200)]]).split("\n")).toHaveLength(2);
    const cut = table(["A", "WHY"], [["x", "y".repeat(60)]], 30).split("\n");
    expect(cut.slice(1).map((line) => line.length)).toEqual([30, 30, 9]);
    expect(wrap("a bb", 4, 30)).toBe("    a bb");
  });

  it("leaves a last column that would be too narrow a readable width", () => {
    const lines = table(["A", "WHY"], [["x".repeat(40), "one two three four five six"]], 20).split("\n");
    expect(lines[2]).toBe(`${" ".repeat(42)}six`);
  });
});
