// core: pure
import type { SignalState } from "@ringrift/protocol";

/** How many runs in a row it takes to tell of a fault, and to tell that it is over. 1 tells at once. */
export interface HysteresisCounts {
  readonly raise: number;
  readonly clear: number;
}

/** What was told last, and how often in a row something else was seen. */
export interface Held {
  readonly told: SignalState | null;
  readonly worse: number;
  readonly better: number;
}

export const nothingHeld: Held = { told: null, worse: 0, better: 0 };

const severity: Readonly<Partial<Record<SignalState, number>>> = { healthy: 0, degraded: 1, unhealthy: 2 };

/**
 * One more run. A spike is no fault and one good run is no recovery; but nothing was told yet, or cannot be told any more
 * (`unknown`, `not_applicable`), is another matter than a fault and holds nothing back.
 */
export function hold(held: Held, seen: SignalState, counts: HysteresisCounts): Held {
  const before = held.told === null ? undefined : severity[held.told];
  const now = severity[seen];
  if (before === undefined || now === undefined || now === before) return { told: seen, worse: 0, better: 0 };
  if (now > before) {
    const worse = held.worse + 1;
    return worse >= counts.raise ? { told: seen, worse: 0, better: 0 } : { ...held, worse, better: 0 };
  }
  const better = held.better + 1;
  return better >= counts.clear ? { told: seen, worse: 0, better: 0 } : { ...held, better, worse: 0 };
}
