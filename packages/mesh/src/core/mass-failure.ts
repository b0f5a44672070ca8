import type { Member } from "./member.ts";

/** Agents that turn suspect together are more likely one broken observer or network than many broken hosts. */
export interface MassFailureTiming {
  /** Suspicions this close together count as one event, milliseconds. */
  readonly windowMs: number;
  /** How long members suspected in such an event are kept from being declared down, milliseconds. */
  readonly holdMs: number;
}

export const defaultMassFailureTiming: MassFailureTiming = { windowMs: 5_000, holdMs: 30_000 };

const fewestAgents = 3;
const shareOfAgents = 0.25;

/** Agents that are not gone, and how many of them are suspect. */
export interface AgentCount {
  readonly agents: number;
  readonly suspects: number;
}

export function countAgents(members: Iterable<Member>): AgentCount {
  let agents = 0;
  let suspects = 0;
  for (const { role, state } of members) {
    if (role !== "agent" || state === "left" || state === "down") continue;
    agents += 1;
    if (state === "suspect") suspects += 1;
  }
  return { agents, suspects };
}

/**
 * Whether downs are held at `now`. `heldSince` is the start of the hold that already runs, if any;
 * the answer is the start of the hold that runs from now on, or null.
 */
export function massFailure(
  members: ReadonlyMap<string, Member>,
  heldSince: number | null,
  timing: MassFailureTiming,
  now: number,
): number | null {
  const { agents, suspects } = countAgents(members.values());
  const enough = Math.max(fewestAgents, agents * shareOfAgents);
  if (suspects < enough) return null;
  if (heldSince === null) {
    let recent = 0;
    for (const { role, state, since } of members.values())
      if (role === "agent" && state === "suspect" && now - since < timing.windowMs) recent += 1;
    return recent >= enough ? now : null;
  }
  return now - heldSince >= timing.holdMs ? null : heldSince;
}
