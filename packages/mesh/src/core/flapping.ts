import type { LinkState } from "@ringrift/protocol";

// A member that comes and goes all the time is one trouble, not hundreds. Once it has come back often enough it is shown as
// suspect until it stays for a while; only a long absence is still told.

/** Returns from down within a window, each of which was told. */
const toldReturns = 10;
const windowMs = 60_000;
/** How long it must stay before it is called alive again. */
const calmMs = 60_000;
/** How long it must be away before that is told. */
const longAbsenceMs = 30_000;

/** How often one member came and went; only `damp` changes it. */
export interface Flapping {
  /** When it came back from down, oldest first. */
  returns: number[];
  wasDown: boolean;
  awaySince: number | null;
  /** Damped until it was never away for long enough before; null while it is not damped. */
  dampedUntil: number | null;
}

export function createFlapping(): Flapping {
  return { returns: [], wasDown: false, awaySince: null, dampedUntil: null };
}

/** What to show of a member that is judged so. */
export function damp(flapping: Flapping, judged: LinkState, now: number): LinkState {
  if (judged === "left") {
    Object.assign(flapping, createFlapping());
    return judged;
  }
  if (judged === "alive") return welcome(flapping, now);
  flapping.wasDown ||= judged === "down";
  flapping.awaySince ??= now;
  if (flapping.dampedUntil === null) return judged;
  flapping.dampedUntil = now + calmMs;
  return now - flapping.awaySince >= longAbsenceMs ? judged : "suspect";
}

function welcome(flapping: Flapping, now: number): LinkState {
  if (flapping.wasDown) {
    flapping.returns = [...flapping.returns.filter((at) => now - at < windowMs), now];
    if (flapping.returns.length >= toldReturns) flapping.dampedUntil = now + calmMs;
  }
  flapping.wasDown = false;
  flapping.awaySince = null;
  if (flapping.dampedUntil !== null && now < flapping.dampedUntil) return "suspect";
  if (flapping.dampedUntil !== null) Object.assign(flapping, createFlapping());
  return "alive";
}
