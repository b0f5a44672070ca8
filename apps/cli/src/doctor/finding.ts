// core: pure
import { errorText, RingRiftError } from "@ringrift/protocol";

export type FindingState = "ok" | "warning" | "failed" | "unknown";

/** One thing that was looked at, and what to do about it. */
export interface Finding {
  /** What was looked at, e.g. `data directory` or the address of a server. */
  readonly check: string;
  readonly state: FindingState;
  readonly text: string;
  readonly nextStep?: string;
}

export function finding(check: string, state: FindingState, text: string, nextStep?: string): Finding {
  return { check, state, text, ...(nextStep === undefined ? {} : { nextStep }) };
}

/** What an error says of `check`, with the next step that it names. */
export function failure(check: string, error: unknown): Finding {
  const nextStep = error instanceof RingRiftError ? error.nextStep : undefined;
  return finding(check, "failed", errorText(error), nextStep);
}

/** 0 where an agent has what it needs, warnings or not; 1 where something failed or could not be told. */
export function doctorExitCode(findings: readonly Finding[]): 0 | 1 {
  return findings.length > 0 && findings.every(({ state }) => state === "ok" || state === "warning") ? 0 : 1;
}
