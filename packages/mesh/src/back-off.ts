// core: pure

/** Waits between attempts, milliseconds: full jitter below a bound that doubles from `firstMs` to `capMs`. */
export interface BackOff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** Servers look for one another often: a lost link between them costs quorum. */
export const serverBackOff: BackOff = { firstMs: 100, capMs: 1_000 };
/** Agents come in thousands, and a server that has just started takes a few hundred a second. */
export const agentBackOff: BackOff = { firstMs: 500, capMs: 30_000 };
/** A server that says it takes no more for the moment lets in a few hundred a second: among thousands, the wait is short. */
export const busyBackOff: BackOff = { firstMs: 500, capMs: 4_000 };
/** A peer that refuses us for what we are will do so again: it is asked far more rarely. */
export const refusedBackOff: BackOff = { firstMs: 2_000, capMs: 30_000 };
/** A link that lasted less counts as one more failure, so that a peer that takes and drops us is not asked all the time. */
export const stableLinkMs = 5_000;

/** The wait after `failures` in a row, 0 or more; `random` is in [0, 1). */
export function backOffMs({ firstMs, capMs }: BackOff, failures: number, random: number): number {
  return Math.floor(random * Math.min(capMs, firstMs * 2 ** Math.min(failures, 20)));
}
