/** Milliseconds between two ticks of a peer. */
export const tickMs = 50;

export interface Beat {
  /** How late the loop ran at most since the last call, milliseconds. */
  readonly takeLagMs: () => number;
  readonly stop: () => void;
}

/** Calls `onTick` every `periodMs` with the lag of the event loop since the tick before. */
export function startBeat(
  now: () => number,
  onTick: (lagMs: number) => void,
  periodMs: number = tickMs,
): Beat {
  let last = now();
  let worst = 0;
  const timer = setInterval(() => {
    const at = now();
    const lagMs = Math.max(0, at - last - periodMs);
    last = at;
    worst = Math.max(worst, lagMs);
    onTick(lagMs);
  }, periodMs);
  return {
    takeLagMs: () => {
      const lagMs = Math.round(worst);
      worst = 0;
      return lagMs;
    },
    stop: () => clearInterval(timer),
  };
}

/** True once per `intervalMs` of ticks. */
export function everyTicks(intervalMs: number, periodMs: number = tickMs): () => boolean {
  const interval = Math.max(1, Math.round(intervalMs / periodMs));
  let left = 0;
  return () => {
    left = left <= 1 ? interval : left - 1;
    return left === interval;
  };
}
