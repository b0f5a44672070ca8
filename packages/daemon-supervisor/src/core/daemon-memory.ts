// What must outlive the supervisor about a daemon's past, as plain data. All times are ages at the moment of saving.
import { z } from "zod";

export interface DaemonMemory {
  readonly restarts: number;
  /** Restarts since the last stable run; sets the next delay. */
  readonly attempt: number;
  readonly crashLooping: boolean;
  /** Ages of the deaths that the windows still count, oldest first. */
  readonly deathAgesMs: readonly number[];
  /** An operator stopped it: it stays stopped. */
  readonly stopped: boolean;
  readonly lastExit: { readonly text: string; readonly ageMs: number } | null;
}

const age = z.number().min(0);

export const daemonMemorySchema: z.ZodType<DaemonMemory> = z.object({
  restarts: z.int().min(0),
  attempt: z.int().min(0),
  crashLooping: z.boolean(),
  deathAgesMs: z.array(age).max(1001),
  stopped: z.boolean(),
  lastExit: z.object({ text: z.string().max(1000), ageMs: age }).nullable(),
});

const expiryMs = 24 * 3_600_000;

/**
 * The memory as it stands `byMs` after it was saved: everything is older, and counts whose last death is more than 24 h
 * ago are gone. An operator's stop does not expire. A clock that went back ages nothing.
 */
export function agedMemory(memory: DaemonMemory, byMs: number): DaemonMemory {
  const older = Math.max(0, byMs);
  const lastExit =
    memory.lastExit === null ? null : { ...memory.lastExit, ageMs: memory.lastExit.ageMs + older };
  const deathAgesMs = memory.deathAgesMs.map((ageMs) => ageMs + older);
  const youngest = Math.min(lastExit?.ageMs ?? Number.POSITIVE_INFINITY, ...deathAgesMs);
  if (youngest <= expiryMs) return { ...memory, deathAgesMs, lastExit };
  return {
    restarts: 0,
    attempt: 0,
    crashLooping: false,
    deathAgesMs: [],
    stopped: memory.stopped,
    lastExit: null,
  };
}
