/** How many voters are needed, how many there are, and whether that is a quorum. */
export interface Quorum {
  /** False when no voters are configured: then there is no quorum to hold or to lose. */
  readonly configured: boolean;
  readonly held: boolean;
  readonly have: number;
  readonly need: number;
}

/**
 * Votes that make a majority: floor(n / 2) + 1 of the configured voters, never of the living ones.
 *
 * @param voters how many voters are configured; with 0 no count suffices, so the answer is Infinity
 */
export function majority(voters: number): number {
  return voters > 0 ? Math.floor(voters / 2) + 1 : Number.POSITIVE_INFINITY;
}

/**
 * Counts distinct configured voters among `present`; ids outside the configuration and repeats do not count.
 *
 * @example
 * countQuorum(["a", "b", "c"], ["a", "b", "b", "stranger"]); // { configured: true, held: true, have: 2, need: 2 }
 */
export function countQuorum(voters: readonly string[], present: Iterable<string>): Quorum {
  const configured = new Set(voters);
  const have = [...new Set(present)].filter((id) => configured.has(id)).length;
  if (configured.size === 0) return { configured: false, held: false, have: 0, need: 0 };
  const need = majority(configured.size);
  return { configured: true, held: have >= need, have, need };
}
