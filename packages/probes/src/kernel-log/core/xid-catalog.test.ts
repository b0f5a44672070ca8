import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gpuFault, recoveryAction } from "./gpu-fault.ts";
import { type ErrorAction, xidCatalog, xidEntry } from "./xid-catalog.ts";
import { parseXidLine } from "./xid-line.ts";

const published = readFileSync(new URL("../../../fixtures/xid-catalog.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(","))
  .map(([code, , bucket = ""]) => ({ code: Number(code), bucket }));

/** Buckets that name one of our actions; the others are workflows, or empty. */
const actions: Readonly<Record<string, ErrorAction>> = {
  IGNORE: "ignore",
  RESTART_APP: "restart_app",
  RESET_GPU: "reset_gpu",
  RESTART_BM: "reboot",
  RESTART_VM: "reboot",
  CHECK_MECHANICALS: "inspect_hardware",
};

function faultOf(message: string) {
  const line = parseXidLine(message);
  if (line === null) throw new Error(`no error in ${message}`);
  return gpuFault(line);
}

describe("the catalogue", () => {
  it("has every published code once, with the published action where there is one", () => {
    expect(xidCatalog.map(({ code }) => code)).toEqual(published.map(({ code }) => code));
    for (const { code, bucket } of published) {
      const wanted = actions[bucket];
      if (wanted !== undefined) expect([code, xidEntry(code)?.action]).toEqual([code, wanted]);
    }
  });

  it("names an unknown code by its number and says that it does not know it", () => {
    const fault = faultOf("NVRM: Xid (PCI:0000:3b:00): 4711, something new");
    expect(fault.reason).toContain("Xid 4711 (not in the catalogue)");
    expect(fault.severity).toBe("warning");
  });

  it("follows the driver where it says itself what it wants", () => {
    const changed = (wanted: string) =>
      faultOf(`NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x0 (None) to ${wanted}`)
        .action;
    expect(changed("0x1 (GPU Reset Required)")).toBe("reset_gpu");
    expect(changed("0x2 (Node Reboot Required)")).toBe("reboot");
    expect(changed("0x2 (OS Reboot)")).toBe("reboot");
    expect(changed("0x3 (Drain P2P)")).toBe("reset_gpu");
    expect(changed("0x4 (Drain and Reset)")).toBe("reset_gpu");
    expect(changed("0x0 (None)")).toBe("ignore");
    expect(recoveryAction("gibberish")).toBeNull();
  });

  it("takes switches and NVLink 5 by the weight that their lines state", () => {
    const sxid = (text: string) =>
      faultOf(`nvidia-nvswitch0: SXid (PCI:0000:c3:00.0): 24007, ${text}`).action;
    expect([sxid("Fatal, Link 30"), sxid("Non-fatal, Link 30")]).toEqual(["reset_gpu", "ignore"]);
    const link = (text: string) => faultOf(`NVRM: Xid (PCI:0000:5d:00): 145, ${text}`).action;
    expect([link("RLW_SRC_TRACK Nonfatal XC0"), link("RLW_REMAP Fatal XC1")]).toEqual([
      "ignore",
      "reset_gpu",
    ]);
  });
});
