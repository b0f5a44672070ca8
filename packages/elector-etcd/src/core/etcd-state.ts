import { type EtcdTiming, leaseMs } from "./etcd-timing.ts";

// What one server knows of etcd, and what follows from it at an instant.

/** The leader's key as etcd has it. */
export interface LeaderKey {
  readonly voter: string;
  /** Id of the lease that it is bound to. */
  readonly lease: string;
  /** etcd's revision at which this leadership began: the term of its epoch. */
  readonly createRevision: number;
}

/** What a write puts into the agreed key. */
export interface Writing {
  /** Unique: by it a server knows its own write again. */
  readonly id: string;
  readonly value: string;
}

/** The agreed key as a reading shows it. */
export interface AgreedKey {
  readonly modRevision: number;
  /** `unread`: the reading did not ask for it. `unreadable`: somebody else wrote it. */
  readonly stored: Writing | "unread" | "unreadable";
}

/** What the servers agreed on, as it was read last. */
export interface Held {
  readonly value: string;
  readonly generation: number;
  /** Of the key; 0 when there was none. */
  readonly modRevision: number;
  /** Where it stands in etcd's history: that of the key, or of the reading that found none any more; 0 before the first. */
  readonly revision: number;
}

/** All keys at one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly leader: LeaderKey | null;
  /** `modRevision` guards the next write; null while the key does not exist. */
  readonly generation: { readonly value: number; readonly modRevision: number } | null;
  readonly agreed: AgreedKey | null;
}

export type EtcdCall = "read" | "grant" | "keep" | "campaign" | "generation" | "agree";

interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /** When the question was sent whose answer renewed it: etcd counts from later. */
  keptAt: number;
}

/** One server's part; only `step` changes it. */
export interface EtcdElection {
  readonly self: string;
  readonly voters: readonly string[];
  readonly timing: EtcdTiming;
  generation: number;
  /** The highest create_revision that was seen in this generation. */
  term: number;
  latest: Snapshot | null;
  /** When `latest` was taken in. */
  latestAt: number;
  agreed: Held;
  /** etcd counts from lower than before, so its epochs would repeat; a higher generation ends that. */
  historyLost: boolean;
  lease: Lease | null;
  /** Send time of the newest reading of both keys that a majority of etcd answered. */
  answeredAt: number;
  failure: string | null;
  resigned: boolean;
  readonly pending: Set<EtcdCall>;
  readDueAt: number;
  keepDueAt: number;
  retryAt: number;
}

export function createEtcdElection(
  options: Pick<EtcdElection, "self" | "voters" | "timing" | "generation" | "term">,
  now: number,
): EtcdElection {
  return {
    ...options,
    latest: null,
    latestAt: Number.NEGATIVE_INFINITY,
    agreed: { value: "", generation: 0, modRevision: 0, revision: 0 },
    historyLost: false,
    lease: null,
    answeredAt: Number.NEGATIVE_INFINITY,
    failure: null,
    resigned: false,
    pending: new Set(),
    readDueAt: now,
    keepDueAt: now,
    retryAt: now,
  };
}

/** Whether etcd's generation is the one that this server has on disk; without that nobody is followed. */
export function settled(state: EtcdElection): boolean {
  return !state.historyLost && state.latest?.generation?.value === state.generation;
}

/** Whether the leader's key is this server's, as far as it knows; the lease may have run out all the same. */
export function ownsKey(state: EtcdElection): boolean {
  const leader = state.latest?.leader ?? null;
  return leader !== null && leader.voter === state.self && leader.lease === state.lease?.id;
}

/**
 * Whether a privileged act may start at `now`; ask at the moment of each act, never earlier. It rests on two proofs, both
 * counted from when they were asked for: the lease was renewed, and a reading showed the key as this server's.
 */
export function leaseHeld(state: EtcdElection, now: number): boolean {
  const { lease } = state;
  if (lease === null || !ownsKey(state) || !settled(state)) return false;
  return fresh(state, now) && now < lease.keptAt + leaseMs(lease.ttlMs);
}

/** Whether a majority of etcd answered lately enough to believe what it said of others. */
export function fresh(state: EtcdElection, now: number): boolean {
  return now < state.answeredAt + leaseMs(state.timing.ttlMs);
}

/** Who leads as far as is known at `now`; an old answer and a lapsed lease name nobody. */
export function leaderAt(state: EtcdElection, now: number): string | null {
  const leader = state.latest?.leader ?? null;
  if (leader === null || !settled(state) || !state.voters.includes(leader.voter)) return null;
  // A key of this server's earlier life waits for its lease to run out.
  if (leader.voter === state.self) return leaseHeld(state, now) ? state.self : null;
  return fresh(state, now) ? leader.voter : null;
}
