export {
  type CustomCheckPlaces,
  type CustomChecks,
  checkCustomChecks,
  createCustomChecks,
} from "./custom/custom-check.ts";
export type { TextFamily } from "./custom/textfile-parse.ts";
export { createTextfiles, type Textfiles } from "./custom/textfiles.ts";
export type { CheckRule, Probe, ProbeOptions, ProbeOutcome } from "./probe.ts";
export { ProbeError, type ProbeErrorCode } from "./probe-error.ts";
export { type CatalogedReading, readingCatalog } from "./reading-catalog.ts";
export { createProbes } from "./registry.ts";
export { runProbe } from "./run-probe.ts";
