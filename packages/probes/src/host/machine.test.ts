import { describe, expect, it } from "vitest";
import { judgeKernel } from "./kernel-state.ts";
import { judgeMachine, parseDistribution } from "./machine.ts";

describe("machine", () => {
  it("leaves out what the system does not tell", () => {
    const none = { distribution: "", kernel: "", architecture: "", cpuModel: " ", hardware: "" };
    expect(judgeMachine(none).state).toBe("unknown");
    expect(judgeMachine({ ...none, kernel: "6.8" }).details).toEqual({ kernel: "6.8" });
  });

  it("reads the distribution with and without quotes", () => {
    expect(parseDistribution('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04.2 LTS"\n')).toBe("Ubuntu 24.04.2 LTS");
    expect(parseDistribution("PRETTY_NAME=Alpine\n")).toBe("Alpine");
    expect(parseDistribution("ID=x\n")).toBe("");
  });
});

describe("the kernel's state", () => {
  it("tells foreign modules, as GPU drivers are, from trouble", () => {
    expect(judgeKernel(1 + 2 ** 12 + 2 ** 13, false).state).toBe("healthy");
    expect(judgeKernel(2 ** 4 + 1, false)).toMatchObject({
      state: "degraded",
      reason: "a machine check was reported",
    });
    expect(judgeKernel(0, true)).toMatchObject({ state: "healthy", reason: "updates wait for a reboot" });
  });
});
