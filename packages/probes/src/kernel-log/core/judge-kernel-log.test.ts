import { describe, expect, it } from "vitest";
import { createGpuRoster } from "../../nvidia/gpu-roster.ts";
import { judgeKernelLog, judgeXids, type KernelLogEvidence } from "./judge-kernel-log.ts";
import { createKernelFaults } from "./kernel-faults.ts";

const roster = createGpuRoster();
const evidence = (absent: boolean): KernelLogEvidence => ({
  faults: createKernelFaults("boot", roster),
  from: "/dev/kmsg",
  problem: { reason: "/dev/kmsg may not be read by this user", action: "Give the agent CAP_SYSLOG.", absent },
  memoryProblem: null,
  linesRead: 0,
  linesLost: 0,
});
const nobody = { logWanted: false, gpus: false };
const now = 1000;

describe("a kernel log that is there and may not be read", () => {
  it("is unknown with what to do, on any host", () => {
    expect(judgeKernelLog(evidence(false), nobody, now)).toMatchObject({
      state: "unknown",
      reason: "/dev/kmsg may not be read by this user",
      action: "Give the agent CAP_SYSLOG.",
    });
  });

  it("leaves errors of GPUs unknown only where there are GPUs", () => {
    expect(judgeXids(evidence(false), nobody, roster, now)).toMatchObject({
      state: "not_applicable",
      reason: "no NVIDIA hardware here",
    });
    expect(judgeXids(evidence(false), { ...nobody, gpus: true }, roster, now).state).toBe("unknown");
  });
});

describe("a host without a kernel log", () => {
  it("is not judged by it, unless one was asked for", () => {
    expect(judgeKernelLog(evidence(true), nobody, now).state).toBe("not_applicable");
    expect(judgeKernelLog(evidence(true), { ...nobody, logWanted: true }, now).state).toBe("unknown");
  });
});
