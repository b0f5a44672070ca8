/** How far an observer trusts its own clockwork: its accusations take `multiplier` times as long. */
export interface LocalHealth {
  /** 1 (prompt) to 8 (badly delayed). */
  multiplier: number;
  /** When the multiplier may next fall by one. */
  fallsAt: number;
}

/** An event loop later than this is no longer a fair judge of others, milliseconds. */
const toleratedLagMs = 250;
const highestMultiplier = 8;
const recoveryMs = 1_000;

export function createLocalHealth(): LocalHealth {
  return { multiplier: 1, fallsAt: 0 };
}

/** Rises at once with the lag of the observer's own loop and falls by one a second. */
export function noteLag(health: LocalHealth, lagMs: number, now: number): void {
  const wanted = Math.min(highestMultiplier, 1 + Math.floor(Math.max(0, lagMs) / toleratedLagMs));
  if (wanted >= health.multiplier) {
    health.multiplier = wanted;
    health.fallsAt = now + recoveryMs;
  } else if (now >= health.fallsAt) {
    health.multiplier -= 1;
    health.fallsAt = now + recoveryMs;
  }
}
