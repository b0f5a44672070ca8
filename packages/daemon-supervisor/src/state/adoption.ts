import type { DaemonDefinition } from "../definition/definition.ts";
import { Containment, type ContainmentOptions } from "../process/containment.ts";
import { currentBootId } from "../process/process-stat.ts";
import type { ProcessEntry, ProcessTable } from "../process/process-table.ts";
import type { SavedRun, SupervisorState } from "./supervisor-state.ts";
import type { SupervisorStore } from "./supervisor-store.ts";

/** Runs that an earlier supervisor left, by daemon. */
export type LeftRuns = ReadonlyMap<string, SavedRun>;

/**
 * The runs that may still have processes: those in the state, unless the host was booted since, and those that the state does
 * not know but whose lifeline is held, as their markers name them.
 */
export async function leftRuns(
  store: SupervisorStore,
  definitions: readonly DaemonDefinition[],
  table: ProcessTable,
  nowMs: number,
): Promise<LeftRuns> {
  const found = new Map(savedRuns(store.earlier, nowMs));
  const unknown = definitions.filter(({ name }) => !found.has(name) && store.files(name).held);
  if (unknown.length === 0) return found;
  const { entries } = await table.read();
  for (const { name } of unknown) {
    const prefix = `${store.scope}:${name}:`;
    for (const { pid, session, startTicks, marker } of entries) {
      const token = marker.split(",").find((part) => part.startsWith(prefix));
      // The program itself leads the session that it was started in.
      if (token !== undefined && pid === session && !found.has(name))
        found.set(name, { pid, startTicks, token, ready: true, ageMs: 0 });
    }
  }
  return found;
}

function* savedRuns(state: SupervisorState | null, nowMs: number): Generator<[string, SavedRun]> {
  // Of another boot nothing runs, and its pids are other processes.
  if (state === null || state.bootId !== currentBootId()) return;
  const sinceMs = Math.max(0, nowMs - state.savedAtMs);
  for (const [name, { run }] of Object.entries(state.daemons))
    if (run !== null) yield [name, { ...run, ageMs: run.ageMs + sinceMs }];
}

/** What the tokens of all health checks of a supervisor begin with; no daemon's name can begin with a dot. */
export function checkScope(scope: string): string {
  return `${scope}:.check:`;
}

/** Kills the health checks that an earlier supervisor was killed in: nobody waits for their answers any more. */
export async function endLeftChecks(scope: string, table: ProcessTable): Promise<void> {
  const { entries } = await table.read();
  const found = new Map<string, ProcessEntry>();
  for (const entry of entries) {
    const token = entry.marker.split(",").find((part) => part.startsWith(checkScope(scope)));
    if (token !== undefined) found.set(token, entry);
  }
  await Promise.all(
    [...found].map(([token, entry]) =>
      Containment.adopted(entry, { token, table, useCgroup: false }).end("SIGKILL", 0),
    ),
  );
}

/** Ends what is no longer defined. */
export async function endLeftRun(run: SavedRun, options: ContainmentOptions): Promise<readonly number[]> {
  const { left } = await Containment.adopted(run, options).end("SIGTERM", 10_000);
  return left;
}
