import type { AgreedView } from "@ringrift/mesh";
import { type EtcdElection, fresh, type Held, leaseHeld, type Snapshot, settled } from "./etcd-state.ts";

// What the servers agreed on: a second key of etcd's, written only by whom etcd itself finds to lead.

/**
 * Takes over what the latest reading shows of the key; a key whose value it does not show must be read again.
 *
 * @param also an answer that came with it or was overtaken by it; it may have the value that the latest has not
 */
export function takeAgreed(state: EtcdElection, also: Snapshot, now: number): void {
  const { latest, generation, agreed } = state;
  if (latest === null || !settled(state) || shows(latest, agreed, generation)) return;
  const key = also.agreed?.modRevision === latest.agreed?.modRevision ? also.agreed : latest.agreed;
  if (key === null) state.agreed = { value: "", generation, modRevision: 0, revision: latest.revision };
  else if (key.stored === "unread") state.readDueAt = now;
  else if (key.stored !== "unreadable") {
    const { modRevision } = key;
    state.agreed = { value: key.stored.value, generation, modRevision, revision: modRevision };
  }
}

/** Whether the next reading must bring the value, too. After a failure it must not: leading matters more than a value too long. */
export function wantsValue({ latest, agreed, generation, failure }: EtcdElection): boolean {
  if (failure !== null) return false;
  return latest === null || (latest.agreed !== null && !shows(latest, agreed, generation));
}

export function agreedAt(state: EtcdElection, now: number): AgreedView {
  const { agreed, latest, generation } = state;
  const known = latest !== null && settled(state) && fresh(state, now);
  return {
    value: agreed.value,
    stamp: `${agreed.generation}.${agreed.revision}`,
    confirmed: known && shows(latest, agreed, generation),
  };
}

/** What a write of the leader rests on: etcd refuses it when either has changed. */
export interface WriteGuard {
  /** create_revision of the leader's key. */
  readonly leader: number;
  /** mod_revision of the key that it replaces; 0 when there is none. */
  readonly over: number;
}

/** @param over the stamp of what is to be replaced */
export function guardOf(state: EtcdElection, over: string, now: number): WriteGuard | "not_leader" | "moved" {
  const leader = state.latest?.leader?.createRevision;
  if (leader === undefined || !leaseHeld(state, now)) return "not_leader";
  const { stamp, confirmed } = agreedAt(state, now);
  return confirmed && stamp === over ? { leader, over: state.agreed.modRevision } : "moved";
}

/**
 * What became of a write, by etcd's answer to it: the key's mod_revision when it was written.
 *
 * @param doubtful the question was sent before, and that time nobody answered
 */
export function outcomeOf(
  { leader, agreed }: Snapshot,
  { guard, id, doubtful }: { readonly guard: WriteGuard; readonly id: string; readonly doubtful: boolean },
): number | "not_leader" | "moved" | "unknown" {
  if (typeof agreed?.stored === "object" && agreed.stored.id === id) return agreed.modRevision;
  // It may have been written the first time, and have been replaced since.
  if (doubtful) return "unknown";
  return leader?.createRevision === guard.leader ? "moved" : "not_leader";
}

function shows({ agreed: key }: Snapshot, held: Held, generation: number): boolean {
  if (key === null) return held.modRevision === 0;
  return held.generation === generation && held.modRevision === key.modRevision;
}
