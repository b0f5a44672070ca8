import type { Invariant } from "../invariant.ts";

/** After the last fault somebody leads within this time, milliseconds. */
export const leaderWithinMs = 6_000;
/** And within one heartbeat more, on the slowest clock and with the network's delay, everyone follows. */
export const followedWithinMs = 250;

export const oneLeaderAfterHealing: Invariant = {
  name: "one leader that all follow after the faults end",
  sees: ["healed"],
  watch: () => (fact) => {
    if (fact.type !== "healed") return null;
    const { leaderAfterMs, agreedAfterMs } = fact;
    if (leaderAfterMs === null || leaderAfterMs > leaderWithinMs)
      return `no leader within ${leaderWithinMs} ms after the last fault`;
    return agreedAfterMs === null || agreedAfterMs > leaderWithinMs + followedWithinMs
      ? `a leader after ${leaderAfterMs.toFixed(0)} ms, but not all follow one in time`
      : null;
  },
};
