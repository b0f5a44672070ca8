// core: pure
import { type NodeState, type SignalState, signalStates, type ThresholdValues } from "@ringrift/protocol";

/** How often one check failed and passed in a row. Failures are a real number, because they halve per hour of quiet. */
interface Streak {
  readonly failures: number;
  readonly passes: number;
  /** True from the unhealthy bound until enough passes in a row. */
  readonly latched: boolean;
  readonly lastFailureSeconds: number;
  readonly state: SignalState;
}

/** Of a check without failures, one for each state: most checks of most nodes are like that, and share it. */
const calm = Object.fromEntries(
  signalStates.map((state) => [
    state,
    { failures: 0, passes: 0, latched: false, lastFailureSeconds: 0, state },
  ]),
) as Readonly<Record<SignalState, Streak>>;

const quietHalfLifeSeconds = 3600;

/** The consecutive failures of each check of one node. */
export interface NodeStreaks {
  /** Counts one fresh run of a check. */
  observe(check: string, state: SignalState, nowSeconds: number): void;
  /** Fit or not, by the worst check; the link is another matter. */
  verdict(nowSeconds: number): NodeState;
  /** Failures in a row of one check, decayed to now. */
  failures(check: string, nowSeconds: number): number;
  /** Forgets every check but these: one that the node no longer has can never pass again. */
  keepOnly(checks: ReadonlySet<string>): void;
}

/**
 * Counts failures of a node's checks: an unhealthy run is a failure, a degraded or unknown one holds the node at best at
 * degraded and is neither failure nor pass, one that is not applicable does not count. Pure.
 */
export function createNodeStreaks(thresholds: ThresholdValues): NodeStreaks {
  const streaks = new Map<string, Streak>();

  const decayed = (streak: Streak, nowSeconds: number): number => {
    const hours = Math.max(0, nowSeconds - streak.lastFailureSeconds) / quietHalfLifeSeconds;
    return streak.failures * 0.5 ** hours;
  };

  function after(streak: Streak, state: SignalState, nowSeconds: number): Streak {
    if (state === "unhealthy") {
      const failures = decayed(streak, nowSeconds) + 1;
      const latched = streak.latched || Math.round(failures) >= thresholds.NODE_UNHEALTHY_FAILURES;
      return { failures, passes: 0, latched, lastFailureSeconds: nowSeconds, state };
    }
    if (streak.failures === 0) return calm[state];
    if (state !== "healthy") return { ...streak, passes: 0, state };
    const passes = streak.passes + 1;
    return streak.latched && passes < thresholds.NODE_RECOVERY_PASSES
      ? { ...streak, passes, state }
      : calm[state];
  }

  function stateOf(streak: Streak, nowSeconds: number): NodeState {
    if (streak.latched) {
      // Rounded, so that the seconds between two runs do not make five failures 4.99.
      const failures = Math.round(decayed(streak, nowSeconds));
      return failures >= thresholds.NODE_EVICTED_FAILURES ? "evicted" : "unhealthy";
    }
    if (streak.state === "not_applicable") return "healthy";
    if (streak.state !== "healthy" || streak.failures > 0) return "degraded";
    return "healthy";
  }

  return {
    observe: (check, state, nowSeconds) => {
      streaks.set(check, after(streaks.get(check) ?? calm[state], state, nowSeconds));
    },
    verdict: (nowSeconds) => {
      // No check at all says nothing of the node.
      let worst: NodeState = "unknown";
      for (const streak of streaks.values()) {
        const state = stateOf(streak, nowSeconds);
        if (worst === "unknown" || rank(state) > rank(worst)) worst = state;
      }
      return worst;
    },
    failures: (check, nowSeconds) => {
      const streak = streaks.get(check);
      return streak === undefined ? 0 : decayed(streak, nowSeconds);
    },
    keepOnly: (checks) => {
      for (const check of streaks.keys()) if (!checks.has(check)) streaks.delete(check);
    },
  };
}

function rank(state: NodeState): number {
  return ["healthy", "degraded", "unhealthy", "evicted"].indexOf(state);
}
