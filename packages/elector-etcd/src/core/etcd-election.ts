import { generationAtLeast } from "@ringrift/mesh";
import { takeAgreed, wantsValue } from "./etcd-agreed.ts";
import {
  type EtcdCall,
  type EtcdElection,
  type LeaderKey,
  ownsKey,
  type Snapshot,
  settled,
} from "./etcd-state.ts";

// Leadership by one key in etcd that is bound to a lease. Input: what etcd answered and when the question was sent. Output:
// what to ask next. Nothing here waits or reads a clock; instants are monotonic milliseconds of this server.

export type EtcdInput =
  | { readonly type: "tick" }
  /** The answer to a read, a campaign or a write; `sentAt` is when the question left. */
  | {
      readonly type: "snapshot";
      readonly call: "read" | "campaign" | "generation" | "agree";
      readonly snapshot: Snapshot;
      readonly sentAt: number;
    }
  | { readonly type: "granted"; readonly lease: string; readonly ttlMs: number; readonly sentAt: number }
  /** `ttlMs` 0: etcd does not know the lease any more. */
  | { readonly type: "kept"; readonly lease: string; readonly ttlMs: number; readonly sentAt: number }
  | { readonly type: "failed"; readonly call: EtcdCall; readonly reason: string }
  /** The watch saw the leader's key change. */
  | { readonly type: "watched"; readonly revision: number; readonly leader: LeaderKey | null }
  /** The watch has begun, and what happened before it must be read; or it saw the agreed key change. */
  | { readonly type: "watching" }
  /** Another server told of a higher generation of etcd's. */
  | { readonly type: "told"; readonly generation: number }
  /** Lead no more, and do not campaign again. */
  | { readonly type: "resign" };

export type EtcdEffect =
  /** `whole`: with what was agreed, which may be long. */
  | { readonly type: "read"; readonly whole: boolean }
  | { readonly type: "grant"; readonly ttlMs: number }
  | { readonly type: "keep"; readonly lease: string }
  /** Take the key unless someone has it, or unless the generation is no longer the one at `generationRevision`. */
  | { readonly type: "campaign"; readonly lease: string; readonly generationRevision: number }
  /** Write the generation unless someone wrote it after `modRevision`; 0 when there was none. */
  | { readonly type: "write_generation"; readonly value: number; readonly modRevision: number }
  | { readonly type: "revoke"; readonly lease: string }
  /** On disk before anything after it. */
  | { readonly type: "persist"; readonly generation: number; readonly term: number };

/** Advances by one input. Effects are carried out in order. */
export function step(state: EtcdElection, input: EtcdInput, now: number): EtcdEffect[] {
  const effects = apply(state, input, now);
  return [...effects, ...next(state, now)];
}

function apply(state: EtcdElection, input: EtcdInput, now: number): EtcdEffect[] {
  switch (input.type) {
    case "tick":
      return [];
    case "snapshot":
      state.pending.delete(input.call);
      state.failure = null;
      if (input.call === "read") state.readDueAt = now + state.timing.everyMs;
      return see(state, input.snapshot, input.sentAt, now);
    case "granted":
      state.pending.delete("grant");
      state.failure = null;
      state.lease = { id: input.lease, ttlMs: input.ttlMs, keptAt: input.sentAt };
      state.keepDueAt = input.sentAt + state.timing.everyMs;
      return [];
    case "kept":
      kept(state, input, now);
      return [];
    case "failed":
      state.pending.delete(input.call);
      state.failure = input.reason;
      state.retryAt = now + state.timing.retryMs;
      return [];
    case "watched": {
      const { latest } = state;
      if (latest === null) return [];
      return see(state, { ...latest, revision: input.revision, leader: input.leader }, null, now);
    }
    case "watching":
      state.readDueAt = now;
      return [];
    case "told":
      if (input.generation <= state.generation) return [];
      state.generation = input.generation;
      state.term = 0;
      state.historyLost = false;
      state.readDueAt = now;
      return [persist(state)];
    case "resign": {
      state.resigned = true;
      const { lease } = state;
      // From this instant on, not from etcd's answer.
      state.lease = null;
      return lease === null ? [] : [{ type: "revoke", lease: lease.id }];
    }
  }
}

/** What to ask now: at most one question of each kind is under way. */
function next(state: EtcdElection, now: number): EtcdEffect[] {
  const effects: EtcdEffect[] = [];
  const ask = (call: EtcdCall, dueAt: number, effect: EtcdEffect): void => {
    if (state.pending.has(call) || now < Math.max(dueAt, state.retryAt)) return;
    state.pending.add(call);
    effects.push(effect);
  };
  ask("read", state.readDueAt, { type: "read", whole: wantsValue(state) });
  const { latest, lease } = state;
  if (latest === null || state.resigned) return effects;
  if (!settled(state)) {
    const { generation } = latest;
    const modRevision = generation?.modRevision ?? 0;
    ask("generation", now, { type: "write_generation", value: wantedGeneration(state, latest), modRevision });
  } else if (latest.leader === null) {
    // A lease half over might not outlive the campaign.
    if (lease === null || now >= lease.keptAt + lease.ttlMs / 2)
      ask("grant", now, { type: "grant", ttlMs: state.timing.ttlMs });
    else if (!state.pending.has("grant")) {
      const generationRevision = latest.generation?.modRevision ?? 0;
      ask("campaign", now, { type: "campaign", lease: lease.id, generationRevision });
    }
  } else if (lease !== null && ownsKey(state)) {
    ask("keep", state.keepDueAt, { type: "keep", lease: lease.id });
  }
  return effects;
}

function wantedGeneration(state: EtcdElection, latest: Snapshot): number {
  const own = state.historyLost ? state.generation + 1 : state.generation;
  return generationAtLeast(Math.max(own, latest.generation?.value ?? 0), "etcd");
}

/** Takes a picture in. `sentAt` is when it was asked for, null when the watch brought it. */
function see(state: EtcdElection, snapshot: Snapshot, sentAt: number | null, now: number): EtcdEffect[] {
  const { latest, generation, term } = state;
  const older = latest !== null && snapshot.revision < latest.revision;
  // An answer that was overtaken on its way. One that was asked for afterwards can only be older if history was lost.
  if (older && (sentAt === null || sentAt < state.latestAt)) {
    takeAgreed(state, snapshot, now);
    return [];
  }
  state.latest = snapshot;
  state.latestAt = now;
  if (sentAt !== null) state.answeredAt = Math.max(state.answeredAt, sentAt);
  const told = snapshot.generation?.value ?? 0;
  if (told > generation && told === generationAtLeast(told, "etcd")) {
    state.generation = told;
    state.term = 0;
    state.historyLost = false;
  } else if (older || snapshot.revision < term || (snapshot.generation === null && term > 0)) {
    state.historyLost = true;
  }
  if (settled(state) && snapshot.leader !== null)
    state.term = Math.max(state.term, snapshot.leader.createRevision);
  takeAgreed(state, snapshot, now);
  return state.generation === generation && state.term === term ? [] : [persist(state)];
}

function kept(
  state: EtcdElection,
  { lease: id, ttlMs, sentAt }: Extract<EtcdInput, { type: "kept" }>,
  now: number,
): void {
  state.pending.delete("keep");
  state.failure = null;
  if (state.lease?.id !== id) return;
  if (ttlMs > 0) {
    state.lease.keptAt = sentAt;
    state.keepDueAt = sentAt + state.timing.everyMs;
    return;
  }
  // The key went with its lease: another may lead by now.
  state.lease = null;
  state.readDueAt = now;
}

function persist({ generation, term }: EtcdElection): EtcdEffect {
  return { type: "persist", generation, term };
}
