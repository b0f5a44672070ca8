export type { Probe, ProbeOptions, ProbeOutcome } from "./probe.ts";
export { ProbeError, type ProbeErrorCode } from "./probe-error.ts";
export { createProbes } from "./registry.ts";
export { runProbe } from "./run-probe.ts";
