import { RingRiftError } from "@ringrift/protocol";
import { CascadeBreaker } from "./cascade-breaker.ts";
import { StartPacer } from "./start-pacer.ts";

/** What bounds the restarts of all daemons together. */
export interface FleetLimits {
  /** More restarts than this in `windowMs` pause those of non-critical daemons. */
  readonly restarts: number;
  readonly windowMs: number;
  /** In the first `windowMs` after the supervisor's start the limit is this. */
  readonly restartsAtStart: number;
  /** Restarts follow each other at this rate, after a burst at once. */
  readonly restartsPerSecond: number;
  readonly restartBurst: number;
}

export const defaultFleetLimits: FleetLimits = {
  restarts: 25,
  windowMs: 300_000,
  restartsAtStart: 100,
  restartsPerSecond: 5,
  restartBurst: 5,
};

/** @throws RingRiftError `FLEET_LIMITS_INVALID` when the cascade's limit could never be reached, with the arithmetic. */
export function checkFleetLimits(limits: FleetLimits): void {
  const { restarts, restartsAtStart, windowMs, restartsPerSecond, restartBurst } = limits;
  const most = Math.floor(restartBurst + (restartsPerSecond * windowMs) / 1000);
  const limit = Math.min(restarts, restartsAtStart);
  if (most >= limit) return;
  throw new RingRiftError(
    `The limit of ${limit} restarts in ${windowMs / 1000} s can never be reached: ${restartBurst} at once and ${restartsPerSecond} a second are ${most} at most.`,
    {
      code: "FLEET_LIMITS_INVALID",
      nextStep: "Lower restarts and restartsAtStart, or raise restartsPerSecond.",
    },
  );
}

/** Lets restarts through one by one. Times are monotonic milliseconds. */
export class FleetGate {
  readonly #cascade: CascadeBreaker;
  readonly #pacer: StartPacer;

  constructor(now: number, limits: FleetLimits) {
    this.#cascade = new CascadeBreaker(now, limits);
    this.#pacer = new StartPacer(limits.restartsPerSecond, limits.restartBurst);
  }

  /** Milliseconds for which restarts of such a daemon are paused. */
  pausedMs(now: number, critical: boolean): number {
    return this.#cascade.waitMs(now, critical);
  }

  /** Takes a place in the row of restarts, and counts it; the milliseconds until it is due. */
  placeMs(now: number): number {
    this.#cascade.record(now);
    return this.#pacer.reserveMs(now);
  }
}
