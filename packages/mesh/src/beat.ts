/** Milliseconds between two ticks of a peer. */
export const tickMs = 50;

export interface Beat {
  /** How late the loop ran at most since the last call, milliseconds. */
  readonly takeLagMs: () => number;
  readonly stop: () => void;
}

/** Calls `onTick` every 50 ms with the lag of the event loop since the tick before. */
export function startBeat(now: () => number, onTick: (lagMs: number) => void): Beat {
  let last = now();
  let worst = 0;
  const timer = setInterval(() => {
    const at = now();
    const lagMs = Math.max(0, at - last - tickMs);
    last = at;
    worst = Math.max(worst, lagMs);
    onTick(lagMs);
  }, tickMs);
  return {
    takeLagMs: () => {
      const lagMs = Math.round(worst);
      worst = 0;
      return lagMs;
    },
    stop: () => clearInterval(timer),
  };
}

/** True once per `everyTicks` ticks. */
export function everyTicks(intervalMs: number): () => boolean {
  const interval = Math.max(1, Math.round(intervalMs / tickMs));
  let left = 0;
  return () => {
    left = left <= 1 ? interval : left - 1;
    return left === interval;
  };
}
