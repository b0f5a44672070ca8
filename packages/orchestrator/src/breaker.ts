// core: pure
import type { CircuitState, ThresholdValues } from "@ringrift/protocol";

const trialCalls = 2;

/** A circuit breaker: opens after failures in a row, tries a few calls after a while, closes on a success. Pure. */
export interface Breaker {
  /** True when a call may be made now; half-open lets two through, and two more each time those never answered. */
  allows(nowSeconds: number): boolean;
  record(ok: boolean, nowSeconds: number): void;
  state(nowSeconds: number): CircuitState;
}

export function createBreaker(thresholds: ThresholdValues): Breaker {
  let failures = 0;
  let openedAt: number | null = null;
  let trials = 0;
  let trialsSince = 0;

  const state = (nowSeconds: number): CircuitState => {
    if (openedAt === null) return "closed";
    return nowSeconds - openedAt >= thresholds.CIRCUIT_HALF_OPEN_SECONDS ? "half_open" : "open";
  };

  return {
    state,
    allows: (nowSeconds) => {
      const current = state(nowSeconds);
      if (current !== "half_open") return current === "closed";
      // Callers that died on trial never answer; their places are free again after a while.
      if (nowSeconds - trialsSince >= thresholds.CIRCUIT_HALF_OPEN_SECONDS) trials = 0;
      if (trials >= trialCalls) return false;
      if (trials === 0) trialsSince = nowSeconds;
      trials += 1;
      return true;
    },
    record: (ok, nowSeconds) => {
      if (ok) {
        // A late success of a call made before it opened proves nothing while it is open.
        if (state(nowSeconds) === "open") return;
        failures = 0;
        openedAt = null;
        trials = 0;
        return;
      }
      failures += 1;
      const current = state(nowSeconds);
      if (current === "half_open" || (current === "closed" && failures >= thresholds.CIRCUIT_OPEN_FAILURES)) {
        openedAt = nowSeconds;
        trials = 0;
      }
    },
  };
}
