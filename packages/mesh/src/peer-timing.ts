// core: pure
import type { PeerIdentity, PeerTiming } from "@ringrift/protocol";
import { ElectionTimingError, validateTiming } from "./core/election-timing.ts";

type Election = NonNullable<PeerTiming["election"]>;

/**
 * Whether two voters may follow one another: the lease of either must be over before the other campaigns, as on one server.
 * Otherwise two of them could hold a lease at once.
 */
export function electionsFit(own: Election | null, theirs: Election | null): boolean {
  if (own === null || theirs === null) return true;
  return holds(own, theirs) && holds(theirs, own);
}

function holds(leader: Election, { electionTimeoutMinMs, electionTimeoutMaxMs }: Election): boolean {
  try {
    validateTiming({ ...leader, electionTimeoutMinMs, electionTimeoutMaxMs });
    return true;
  } catch (error) {
    if (error instanceof ElectionTimingError) return false;
    throw error;
  }
}

/** In which times a linked peer differs from this node, in a sentence; null when it does not. */
export function timingWarning(own: PeerTiming, { nodeId, timing }: PeerIdentity): string | null {
  if (timing.heartbeatMs !== own.heartbeatMs)
    return `${nodeId} sends a heartbeat every ${timing.heartbeatMs} ms and this node every ${own.heartbeatMs} ms: set RINGRIFT_HEARTBEAT_INTERVAL alike on every node`;
  const differs = (Object.keys(timing.election ?? {}) as (keyof Election)[]).find(
    (name) => own.election !== null && timing.election?.[name] !== own.election[name],
  );
  if (differs === undefined) return null;
  return `${nodeId} elects with ${differs} ${timing.election?.[differs]} and this node with ${own.election?.[differs]}: start all servers with the same times`;
}

const mostWarnings = 20;

/** The sentences of all linked peers, each once. */
export function warningsOf(own: PeerTiming, links: Iterable<{ readonly peer: PeerIdentity }>): string[] {
  const warnings = new Set<string>();
  for (const { peer } of links) {
    const warning = warnings.size < mostWarnings ? timingWarning(own, peer) : null;
    if (warning !== null) warnings.add(warning);
  }
  return [...warnings];
}
