import type { HealthCheckResultData } from "@ringrift/protocol";

/** A part of this process that is supervised as if it were a program. */
export interface InProcessService {
  /** Resolves when it is up; a rejection is a failed start. `fail` reports a death later on. */
  start(fail: (error: unknown) => void): Promise<void> | void;
  /** Resolves when it is down. */
  stop(): Promise<void> | void;
  /** Asked at the interval of the liveness probe. */
  healthCheck?(): Promise<boolean | HealthCheckResultData> | boolean | HealthCheckResultData;
}
