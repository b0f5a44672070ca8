// core: pure
/** A mark that the main loop renews; once it is older than `staleMs`, the loop has stalled though the process still answers. */
export interface Beat {
  renew(): void;
  ageMs(): number;
  isFresh(): boolean;
}

/** @param nowMs monotonic milliseconds. */
export function createBeat(nowMs: () => number, staleMs: number): Beat {
  let last = nowMs();
  return {
    renew: () => {
      last = nowMs();
    },
    ageMs: () => nowMs() - last,
    isFresh: () => nowMs() - last <= staleMs,
  };
}
