// core: pure
import { maxAgreedLength } from "@ringrift/protocol";
import { z } from "zod";
import type { WriteGuard } from "./core/etcd-agreed.ts";
import type { EtcdEffect } from "./core/etcd-election.ts";
import type { AgreedKey, LeaderKey, Snapshot, Writing } from "./core/etcd-state.ts";

// The questions and answers of etcd's v3 JSON gateway: keys and values in base64, 64-bit numbers as text.

const int64 = z.string().regex(/^\d{1,19}$/);
const revision = int64.transform(Number).pipe(z.int().min(0));
const header = z.object({ revision });
const leaderValue = z.object({ voter: z.string().max(128) });
const writing = z.object({ id: z.string(), value: z.string().max(maxAgreedLength) });

const keyValue = z.object({
  create_revision: revision,
  mod_revision: revision,
  value: z.string().default(""),
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
      .array(
        z.object({
          type: z.string().default("PUT"),
          kv: keyValue.partial({ create_revision: true }).extend({ key: z.string() }),
        }),
      )
      .default([]),
  }),
});

/** The keys of one cluster and the questions about them. */
export interface EtcdKeys {
  readonly leader: string;
  readonly generation: string;
  readonly agreed: string;
}

export function keysOf(clusterId: string): EtcdKeys {
  const prefix = `/ringrift/${clusterId}`;
  return {
    leader: base64(`${prefix}/leader`),
    generation: base64(`${prefix}/generation`),
    agreed: base64(`${prefix}/agreed`),
  };
}

/** @param whole with what was agreed */
export function readQuestion(keys: EtcdKeys, whole: boolean): unknown {
  // One transaction, so that all are of one revision; it is linearizable, so a majority of etcd answered.
  return { success: ranges(keys, whole) };
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
      ...ranges(keys, false),
    ],
    failure: ranges(keys, false),
  };
}

export function generationQuestion(
  keys: EtcdKeys,
  { value, modRevision }: Extract<EtcdEffect, { type: "write_generation" }>,
): unknown {
  return {
    compare: [{ target: "MOD", key: keys.generation, mod_revision: String(modRevision) }],
    success: [
      { request_put: { key: keys.generation, value: base64(String(value)) } },
      ...ranges(keys, false),
    ],
    failure: ranges(keys, false),
  };
}

export function agreeQuestion(keys: EtcdKeys, { leader, over }: WriteGuard, written: Writing): unknown {
  return {
    compare: [
      { target: "CREATE", key: keys.leader, create_revision: String(leader) },
      { target: "MOD", key: keys.agreed, mod_revision: String(over) },
    ],
    success: [
      { request_put: { key: keys.agreed, value: base64(JSON.stringify(written)) } },
      ...ranges(keys, true),
    ],
    failure: ranges(keys, true),
  };
}

export function watchQuestion(keys: EtcdKeys): unknown {
  // A watch has one range, and the keys' names are in this order: agreed, generation, leader.
  return { create_request: { key: keys.agreed, range_end: base64(`${text(keys.leader)}\0`) } };
}

/**
 * @param whole whether the question asked for what was agreed
 * @throws ZodError when it is no answer to one of the four questions above
 */
export function snapshotOf(body: unknown, whole: boolean): Snapshot {
  const answer = txnAnswer.parse(body);
  const shown = answer.responses.flatMap(({ response_range }) => response_range ?? []);
  const [leader, generation, agreed] = shown.map(({ kvs }) => kvs[0] ?? null);
  return {
    revision: answer.header.revision,
    leader: leader == null ? null : leaderOf(leader),
    generation:
      generation == null
        ? null
        : { value: Number(text(generation.value)), modRevision: generation.mod_revision },
    agreed: agreed == null ? null : agreedOf(agreed, whole),
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
  /** The agreed key has changed, or is gone. */
  readonly agreed: boolean;
}

/** @throws ZodError */
export function watchOf(body: unknown, keys: EtcdKeys): WatchNews {
  const { created, canceled, events } = watchAnswer.parse(body).result;
  const last = events.findLast(({ kv }) => kv.key === keys.leader);
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
    agreed: events.some(({ kv }) => kv.key === keys.agreed),
  };
}

function leaderOf(kv: KeyValue): LeaderKey {
  // Someone else's value: a leader that is none of the voters.
  const parsed = leaderValue.safeParse(fields(kv.value));
  return {
    voter: parsed.success ? parsed.data.voter : "",
    lease: kv.lease,
    createRevision: kv.create_revision,
  };
}

function agreedOf({ value, mod_revision: modRevision }: KeyValue, whole: boolean): AgreedKey {
  if (!whole) return { modRevision, stored: "unread" };
  const parsed = writing.safeParse(fields(value));
  return { modRevision, stored: parsed.success ? parsed.data : "unreadable" };
}

/** Null when it is no JSON. */
function fields(value: string): unknown {
  try {
    return JSON.parse(text(value));
  } catch {
    return null;
  }
}

function ranges(keys: EtcdKeys, whole: boolean): unknown[] {
  return [
    { request_range: { key: keys.leader } },
    { request_range: { key: keys.generation } },
    { request_range: { key: keys.agreed, keys_only: !whole } },
  ];
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}

function text(value: string): string {
  return Buffer.from(value, "base64").toString("utf8");
}
