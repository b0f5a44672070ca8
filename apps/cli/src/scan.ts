import { hostname } from "node:os";
import type { CliConfig } from "@ringrift/config";
import { createCustomChecks, createProbes, createTextfiles, runProbe } from "@ringrift/probes";
import { worstFirst } from "./checks.ts";
import { factsOfChecks, readMachine } from "./machine-facts.ts";
import type { Scan } from "./scan-screen.ts";

/** Runs every probe once, at the same time, on this host; needs no server. */
export async function scanHost(config: CliConfig): Promise<Scan> {
  const nowSeconds = (): number => Date.now() / 1000;
  const { nvidiaSmi, expectedGpus, kernelLog, processPatterns, metricsDir } = config;
  const probes = [
    ...createProbes({
      nvidiaSmi,
      expectedGpus,
      kernelLog,
      processPatterns,
      timeoutSeconds: config.healthCheckTimeoutSeconds,
      nowSeconds,
    }),
    ...createCustomChecks(config, nowSeconds).probes,
    ...(metricsDir === null ? [] : [createTextfiles(metricsDir, nowSeconds).probe]),
  ];
  const [machine, ...outcomes] = await Promise.all([
    readMachine(),
    ...probes.map((probe) => runProbe(probe, nowSeconds)),
  ]);
  for (const probe of probes) probe.close?.();
  return {
    host: hostname(),
    machine: { ...factsOfChecks(outcomes), ...machine },
    checks: worstFirst(outcomes.map(({ report }) => report)),
  };
}
