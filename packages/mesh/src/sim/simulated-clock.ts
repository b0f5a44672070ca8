import { createSteadyClock, steadyNow } from "../core/steady-clock.ts";

/** The clocks of one machine: wrong in speed, started at any number, and stopped while the machine sleeps. */
export interface SimulatedClock {
  /** What the voter goes by, milliseconds. */
  readonly now: () => number;
  /** The real time of an instant on the voter's clock. */
  readonly realAt: (at: number) => number;
  readonly sleep: () => void;
  readonly wake: () => void;
}

export interface ClockOptions {
  readonly offsetMs: number;
  readonly rate: number;
}

/** The operating system tells its uptime in hundredths of a second. */
export const uptimeStepMs = 10;

export function createSimulatedClock(
  { offsetMs, rate }: ClockOptions,
  realNow: () => number,
): SimulatedClock {
  let sleptMs = 0;
  let asleepSince: number | null = null;
  const uptime = (): number => Math.floor((offsetMs + rate * realNow()) / uptimeStepMs) * uptimeStepMs;
  const monotonic = (): number => offsetMs + rate * ((asleepSince ?? realNow()) - sleptMs);
  const steady = createSteadyClock(monotonic(), uptime());
  return {
    now: () => steadyNow(steady, monotonic(), uptime()),
    realAt: (at) => realNow() + (at - steadyNow(steady, monotonic(), uptime())) / rate,
    sleep: () => {
      asleepSince ??= realNow();
    },
    wake: () => {
      if (asleepSince !== null) sleptMs += realNow() - asleepSince;
      asleepSince = null;
    },
  };
}
