// core: pure

/** Free space of one filesystem at one time. */
interface SpacePoint {
  readonly atSeconds: number;
  readonly availableBytes: number;
}

/** What is remembered of one filesystem: a point each minute or so, over the last hour. */
export type SpaceHistory = readonly SpacePoint[];

const window = { spanSeconds: 3600, stepSeconds: 55, points: 64 };
/** Less history than this says nothing: a checkpoint that is written fills any disk for a minute. */
const leastSpanSeconds = 900;

/** The history with one more point; old points go, and points closer than a minute replace one another. */
export function remember(history: SpaceHistory, point: SpacePoint): SpaceHistory {
  const kept = history.filter(({ atSeconds }) => point.atSeconds - atSeconds <= window.spanSeconds);
  const last = kept.at(-1);
  if (last !== undefined && point.atSeconds - last.atSeconds < window.stepSeconds) return kept;
  return [...kept, point].slice(-window.points);
}

/**
 * Seconds until nothing is left, by the straight line through the history (least squares); null when space does not
 * shrink, or when fewer than 15 minutes or five points are known.
 */
export function secondsUntilFull(history: SpaceHistory): number | null {
  const first = history[0];
  const last = history.at(-1);
  if (first === undefined || last === undefined || history.length < 5) return null;
  if (last.atSeconds - first.atSeconds < leastSpanSeconds) return null;
  const meanTime = mean(history.map((point) => point.atSeconds));
  const meanSpace = mean(history.map((point) => point.availableBytes));
  let covariance = 0;
  let variance = 0;
  for (const { atSeconds, availableBytes } of history) {
    covariance += (atSeconds - meanTime) * (availableBytes - meanSpace);
    variance += (atSeconds - meanTime) ** 2;
  }
  const bytesPerSecond = covariance / variance;
  if (!(bytesPerSecond < 0)) return null;
  return Math.max(0, last.availableBytes / -bytesPerSecond);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
