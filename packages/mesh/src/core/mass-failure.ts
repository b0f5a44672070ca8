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

/**
 * Whether downs are held at `now`. `heldSince` is the start of the hold that already runs, if any;
 * the answer is the start of the hold that runs from now on, or null.
 */
export function massFailure(
  members: Iterable<Member>,
  heldSince: number | null,
  timing: MassFailureTiming,
  now: number,
): number | null {
  let agents = 0;
  let suspects = 0;
  let recent = 0;
  for (const member of members) {
    if (member.role !== "agent" || member.state === "left" || member.state === "down") continue;
    agents += 1;
    if (member.state !== "suspect") continue;
    suspects += 1;
    if (now - member.since < timing.windowMs) recent += 1;
  }
  const enough = Math.max(fewestAgents, agents * shareOfAgents);
  if (heldSince === null) return recent >= enough ? now : null;
  const over = suspects < enough || now - heldSince >= timing.holdMs;
  return over ? null : heldSince;
}
