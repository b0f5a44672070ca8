/** A monotonic clock that goes on while the machine sleeps, which the operating system's monotonic clock does not. */
export interface SteadyClock {
  readonly startedAheadMs: number;
  /** How far the machine's uptime has run ahead of the monotonic clock since, milliseconds. */
  sleptMs: number;
}

/** `uptimeMs` counts time asleep, `monotonicMs` does not; neither follows the wall clock. */
export function createSteadyClock(monotonicMs: number, uptimeMs: number): SteadyClock {
  return { startedAheadMs: uptimeMs - monotonicMs, sleptMs: 0 };
}

/** Monotonic milliseconds with every sleep of the machine counted, so that a lease runs out in it; never goes back. */
export function steadyNow(clock: SteadyClock, monotonicMs: number, uptimeMs: number): number {
  clock.sleptMs = Math.max(clock.sleptMs, uptimeMs - monotonicMs - clock.startedAheadMs);
  return monotonicMs + clock.sleptMs;
}
