// Two majorities have a voter in common where their lists differ in one server, and only there. So a server goes on from a list
// only by one server, and only once a leader was known under it: then a majority uses it, and none is left for the one before.

/** The list that a server uses. */
export interface UsedVoters {
  readonly voters: readonly string[];
  /** A leader was known under it. */
  readonly inForce: boolean;
  /** The one in force that it took the place of; null where there was none. */
  readonly before: readonly string[] | null;
}

/** What a server uses from now on that is told to use `voters`; or why it must not. */
export function changeVoters(
  used: UsedVoters | null,
  voters: readonly string[],
): UsedVoters | "too_far" | "too_soon" {
  if (used === null) return { voters, inForce: false, before: null };
  const changes = difference(used.voters, voters);
  if (changes === 0) return used;
  // A change that has not come to anything may be given up.
  if (used.before !== null && difference(used.before, voters) === 0)
    return { voters, inForce: true, before: null };
  // A server that voted alone takes its whole cluster along.
  if (changes > 1 && used.voters.length > 1) return "too_far";
  if (!used.inForce && used.voters.length > 1) return "too_soon";
  return { voters, inForce: false, before: used.voters };
}

/** How many servers are in one list alone. */
function difference(one: readonly string[], other: readonly string[]): number {
  const missing = (from: readonly string[], ids: readonly string[]): number =>
    ids.filter((id) => !from.includes(id)).length;
  return missing(one, other) + missing(other, one);
}
