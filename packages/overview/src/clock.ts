/**
 * Seconds since 1970 that never go back: the wall clock at start plus the monotonic clock since. Ages computed from it
 * survive a corrected system clock; over weeks it may drift from true time by as much as the clock was corrected.
 */
export function steadyClock(
  source: { readonly timeOrigin: number; now(): number } = performance,
): () => number {
  const startedAt = source.timeOrigin / 1000;
  return () => startedAt + source.now() / 1000;
}
