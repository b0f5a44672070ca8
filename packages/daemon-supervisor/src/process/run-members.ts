// core: pure
// Which processes belong to one run of a daemon.
import type { ProcessEntry } from "./process-table.ts";

/** What is known of a run before its processes are looked up. */
export interface RunIdentity {
  /** Its part of the marker. */
  readonly token: string;
  /** Start ticks of the processes that were seen to belong to it, by pid. */
  readonly seen: ReadonlyMap<number, number>;
}

/**
 * Who carries the run's token, who was seen to belong to it, and all that hangs on those: children, and members of their
 * sessions and groups. A session or group whose leader lives outside the run is somebody else's, as when a person runs a
 * command with a daemon's environment.
 */
export function runMembers(
  entries: readonly ProcessEntry[],
  { token, seen }: RunIdentity,
  ownPid: number,
): ProcessEntry[] {
  const alive = new Set(entries.map(({ pid }) => pid));
  const members = new Map<number, ProcessEntry>();
  const bonds = new Set<number>();
  const add = (entry: ProcessEntry): void => {
    members.set(entry.pid, entry);
    bonds.add(entry.pid);
    for (const leader of [entry.session, entry.group]) if (!alive.has(leader)) bonds.add(leader);
  };
  let rest = entries.filter(({ pid }) => pid !== ownPid && pid !== 1);
  const take = (belongs: (entry: ProcessEntry) => boolean): boolean => {
    const [before, others] = [members.size, [] as ProcessEntry[]];
    for (const entry of rest)
      if (belongs(entry)) add(entry);
      else others.push(entry);
    rest = others;
    return members.size > before;
  };
  take(({ pid, startTicks, marker }) => seen.get(pid) === startTicks || marker.split(",").includes(token));
  while (take(({ parent, session, group }) => bonds.has(parent) || bonds.has(session) || bonds.has(group)));
  return [...members.values()];
}
