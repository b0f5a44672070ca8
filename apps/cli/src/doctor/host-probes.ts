import type { NodeAgentConfig } from "@ringrift/config";
import { createProbes, runProbe } from "@ringrift/probes";
import type { CheckReport, ServerClock, SignalState } from "@ringrift/protocol";
import { type Finding, type FindingState, finding } from "./finding.ts";

const states: Readonly<Record<SignalState, FindingState>> = {
  healthy: "ok",
  not_applicable: "ok",
  degraded: "warning",
  unhealthy: "failed",
  unknown: "unknown",
};

/** The agent's own checks that tell whether it will see what it is for. */
export interface HostProbes {
  nvidiaSmi(): Promise<Finding>;
  kernelLog(): Promise<Finding>;
  clock(servers: readonly ServerClock[]): Promise<Finding>;
  close(): void;
}

export function createHostProbes(config: NodeAgentConfig): HostProbes {
  const nowSeconds = (): number => Date.now() / 1000;
  let clocks: readonly ServerClock[] = [];
  const probes = createProbes({
    nvidiaSmi: config.nvidiaSmi,
    expectedGpus: config.expectedGpus,
    kernelLog: config.kernelLog,
    timeoutSeconds: config.healthCheckTimeoutSeconds,
    clockOffsetSeconds: config.thresholds.CLOCK_OFFSET_SECONDS,
    serverClocks: () => clocks,
    nowSeconds,
  });
  async function run(name: string): Promise<CheckReport> {
    const probe = probes.find((one) => one.name === name);
    if (probe === undefined) throw new Error(`there is no probe ${name}`);
    return (await runProbe(probe, nowSeconds)).report;
  }
  return {
    nvidiaSmi: async () => {
      const { state, reason, action, details } = await run("gpu");
      const driver = typeof details.driverVersion === "string" ? `driver ${details.driverVersion}: ` : "";
      // The hardware is there, and what should tell of it does not: the agent would see nothing.
      return finding("nvidia-smi", state === "unknown" ? "failed" : states[state], driver + reason, action);
    },
    kernelLog: async () => {
      const { state, reason, action, details } = await run("kernel-log");
      const check = "kernel log";
      if (state === "unknown") return finding(check, "failed", reason, action);
      if (state === "not_applicable") return finding(check, "ok", `none to read here: ${reason}`);
      // What stands in it is for `ringrift scan`; here it matters that it can be read.
      return finding(check, "ok", `${String(details.from)} can be read`);
    },
    clock: async (servers) => {
      clocks = servers;
      const { state, reason, action } = await run("clock");
      return finding("clock", states[state], reason, action);
    },
    close: () => {
      for (const probe of probes) probe.close?.();
    },
  };
}
