// core: pure
import type { EtcdEffect, EtcdInput } from "./core/etcd-election.ts";
import type { EtcdCall } from "./core/etcd-state.ts";
import {
  campaignQuestion,
  type EtcdKeys,
  generationQuestion,
  grantOf,
  keepOf,
  readQuestion,
  snapshotOf,
} from "./etcd-messages.ts";

/** The effects that etcd answers. */
export type AskingEffect = Exclude<EtcdEffect, { type: "persist" | "revoke" }>;

/** One question to etcd, and what its answer means to the election. */
export interface Question {
  readonly call: EtcdCall;
  readonly path: string;
  readonly body: unknown;
  /** @throws ZodError when `answer` is none to this question */
  readonly read: (answer: unknown, sentAt: number) => EtcdInput;
}

export function questionOf(effect: AskingEffect, keys: EtcdKeys, self: string): Question {
  switch (effect.type) {
    case "read":
      return transaction("read", readQuestion(keys, effect.whole), effect.whole);
    case "campaign":
      return transaction("campaign", campaignQuestion(keys, self, effect), false);
    case "write_generation":
      return transaction("generation", generationQuestion(keys, effect), false);
    case "grant":
      return {
        call: "grant",
        path: "/v3/lease/grant",
        body: { TTL: String(effect.ttlMs / 1000) },
        read: (answer, sentAt) => ({ type: "granted", ...grantOf(answer), sentAt }),
      };
    case "keep":
      return {
        call: "keep",
        path: "/v3/lease/keepalive",
        body: { ID: effect.lease },
        read: (answer, sentAt) => ({ type: "kept", ...keepOf(answer), sentAt }),
      };
  }
}

function transaction(call: "read" | "campaign" | "generation", body: unknown, whole: boolean): Question {
  const read = (answer: unknown, sentAt: number): EtcdInput => ({
    type: "snapshot",
    call,
    snapshot: snapshotOf(answer, whole),
    sentAt,
  });
  return { call, path: "/v3/kv/txn", body, read };
}
