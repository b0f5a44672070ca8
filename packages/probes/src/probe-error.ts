import { RingRiftError } from "@ringrift/protocol";

/** `PROBE_BAD_INPUT`: a source was read but makes no sense. `PROBE_UNREADABLE`: it could not be read at all.
 * `CHECKS_INVALID`: a definition of a user's own check is wrong. */
export type ProbeErrorCode = "PROBE_BAD_INPUT" | "PROBE_UNREADABLE" | "CHECKS_INVALID";

/** Why a probe has no answer. */
export class ProbeError extends RingRiftError {
  constructor(code: ProbeErrorCode, message: string, nextStep: string, cause?: unknown) {
    super(message, { code, nextStep, cause });
  }
}

/** The error for text that was read but does not have the form it should have. */
export function badInput(source: string, expected: string): ProbeError {
  return new ProbeError(
    "PROBE_BAD_INPUT",
    `${source} does not have the expected form: ${expected}.`,
    `Look at ${source} on this host; if it is right, report it as a parser fault.`,
  );
}
