// core: pure
import { z } from "zod";
import type { EtcdEffect, LeaderKey, Snapshot } from "./core/etcd-election.ts";

// The questions and answers of etcd's v3 JSON gateway: keys and values in base64, 64-bit numbers as text.

const int64 = z.string().regex(/^\d{1,19}$/);
const revision = int64.transform(Number).pipe(z.int().min(0));
const header = z.object({ revision });
const leaderValue = z.object({ voter: z.string().max(128) });

const keyValue = z.object({
  create_revision: revision,
  mod_revision: revision,
  value: z.string().max(8_192).default(""),
  lease: int64.default("0"),
});
type KeyValue = z.infer<typeof keyValue>;

const range = z.object({ kvs: z.array(keyValue).max(1).default([]) });
const readAnswer = z.object({
  header,
  responses: z.array(z.object({ response_range: range.optional() })).default([]),
});
const txnAnswer = readAnswer.extend({ succeeded: z.boolean().default(false) });
const grantAnswer = z.object({ ID: int64, TTL: int64.transform(Number) });
const keepAnswer = z.object({ result: z.object({ ID: int64, TTL: int64.transform(Number).default(0) }) });
const watchAnswer = z.object({
  result: z.object({
    header,
    created: z.boolean().default(false),
    canceled: z.boolean().default(false),
    events: z
      .array(z.object({ type: z.string().default("PUT"), kv: keyValue.partial({ create_revision: true }) }))
      .default([]),
  }),
});

/** The keys of one cluster and the questions about them. */
export interface EtcdKeys {
  readonly leader: string;
  readonly generation: string;
}

export function keysOf(clusterId: string): EtcdKeys {
  const prefix = `/ringrift/${clusterId}`;
  return { leader: base64(`${prefix}/leader`), generation: base64(`${prefix}/generation`) };
}

export function readQuestion(keys: EtcdKeys): unknown {
  // One transaction, so that both are of one revision; it is linearizable, so a majority of etcd answered.
  return { success: bothRanges(keys) };
}

export function campaignQuestion(
  keys: EtcdKeys,
  voter: string,
  { lease, generationRevision }: Extract<EtcdEffect, { type: "campaign" }>,
): unknown {
  return {
    compare: [
      { target: "CREATE", key: keys.leader, create_revision: "0" },
      { target: "MOD", key: keys.generation, mod_revision: String(generationRevision) },
    ],
    success: [
      { request_put: { key: keys.leader, value: base64(JSON.stringify({ voter })), lease } },
      ...bothRanges(keys),
    ],
    failure: bothRanges(keys),
  };
}

export function generationQuestion(
  keys: EtcdKeys,
  { value, modRevision }: Extract<EtcdEffect, { type: "write_generation" }>,
): unknown {
  return {
    compare: [{ target: "MOD", key: keys.generation, mod_revision: String(modRevision) }],
    success: [{ request_put: { key: keys.generation, value: base64(String(value)) } }, ...bothRanges(keys)],
    failure: bothRanges(keys),
  };
}

export function watchQuestion(keys: EtcdKeys): unknown {
  return { create_request: { key: keys.leader } };
}

/** @throws ZodError when it is no answer to one of the three questions above */
export function snapshotOf(body: unknown): Snapshot {
  const answer = txnAnswer.parse(body);
  const ranges = answer.responses.flatMap(({ response_range }) => response_range ?? []);
  const [leader, generation] = ranges.map(({ kvs }) => kvs[0] ?? null);
  return {
    revision: answer.header.revision,
    leader: leader == null ? null : leaderOf(leader),
    generation:
      generation == null
        ? null
        : { value: Number(text(generation.value)), modRevision: generation.mod_revision },
  };
}

/** @throws ZodError */
export function grantOf(body: unknown): { readonly lease: string; readonly ttlMs: number } {
  const { ID, TTL } = grantAnswer.parse(body);
  return { lease: ID, ttlMs: TTL * 1000 };
}

/** @throws ZodError */
export function keepOf(body: unknown): { readonly lease: string; readonly ttlMs: number } {
  const { ID, TTL } = keepAnswer.parse(body).result;
  return { lease: ID, ttlMs: TTL * 1000 };
}

export interface WatchNews {
  readonly began: boolean;
  /** etcd ended the watch; it must be begun anew. */
  readonly over: boolean;
  /** The newest state of the leader's key that it told of; null when it told of none. */
  readonly change: { readonly revision: number; readonly leader: LeaderKey | null } | null;
}

/** @throws ZodError */
export function watchOf(body: unknown): WatchNews {
  const { created, canceled, events } = watchAnswer.parse(body).result;
  const last = events.at(-1);
  return {
    began: created,
    over: canceled,
    change:
      last === undefined
        ? null
        : {
            revision: last.kv.mod_revision,
            leader:
              last.type === "DELETE"
                ? null
                : leaderOf({ ...last.kv, create_revision: last.kv.create_revision ?? 0 }),
          },
  };
}

function leaderOf(kv: KeyValue): LeaderKey {
  let value: unknown = null;
  try {
    value = JSON.parse(text(kv.value));
  } catch {
    // Someone else's value: a leader that is none of the voters.
  }
  const parsed = leaderValue.safeParse(value);
  return {
    voter: parsed.success ? parsed.data.voter : "",
    lease: kv.lease,
    createRevision: kv.create_revision,
  };
}

function bothRanges(keys: EtcdKeys): unknown[] {
  return [{ request_range: { key: keys.leader } }, { request_range: { key: keys.generation } }];
}

function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}

function text(value: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(value), (character) => character.codePointAt(0) ?? 0));
}
