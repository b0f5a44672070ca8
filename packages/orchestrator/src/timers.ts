/** Timers as a seam, so that tests bring a virtual clock. */
export interface Timers {
  nowMs(): number;
  /** @returns a function that cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
