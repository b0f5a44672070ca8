import { describe, expect, it } from "vitest";
import {
  agreeQuestion,
  campaignQuestion,
  grantOf,
  keepOf,
  keysOf,
  readQuestion,
  snapshotOf,
  watchOf,
} from "./etcd-messages.ts";

// Answers as etcd 3.4.23 gave them, with our keys and values.
const header = {
  cluster_id: "14841639068965178418",
  member_id: "10276657743932975437",
  revision: "7",
  raft_term: "2",
};
const leaderKv = {
  key: "L3JpbmdyaWZ0L2xhYi9sZWFkZXI=",
  create_revision: "5",
  mod_revision: "5",
  version: "1",
  value: btoa('{"voter":"10.0.0.1:8790"}'),
  lease: "7587899134519187207",
};
const generationKv = { create_revision: "2", mod_revision: "3", version: "2", value: btoa("5") };
const keys = keysOf("lab");
const leader = { voter: "10.0.0.1:8790", lease: "7587899134519187207", createRevision: 5 };

function answer(...kvs: readonly unknown[][]): unknown {
  const responses = kvs.map((list) => ({
    response_range: { header: { revision: "7" }, ...(list.length > 0 ? { kvs: list, count: "1" } : {}) },
  }));
  return {
    header,
    succeeded: true,
    responses: [{ response_put: { header: { revision: "7" } } }, ...responses],
  };
}

describe("an answer of etcd", () => {
  it("to a reading or campaign names leader, create_revision and generation, or their absence", () => {
    expect(snapshotOf(answer([leaderKv], [generationKv], []), true)).toEqual({
      revision: 7,
      leader,
      generation: { value: 5, modRevision: 3 },
      agreed: null,
    });
    expect(snapshotOf(answer([], [], []), false)).toEqual({
      revision: 7,
      leader: null,
      generation: null,
      agreed: null,
    });
  });

  it("with a value of someone else's names a leader that is no voter", () => {
    const foreign = { ...leaderKv, value: btoa("not ours") };
    expect(snapshotOf(answer([foreign], []), false).leader).toEqual({ ...leader, voter: "" });
  });

  it("to a lease says how long it lives, and zero when etcd does not know it any more", () => {
    expect(grantOf({ header, ID: "7587899134519187205", TTL: "3" })).toEqual({
      lease: "7587899134519187205",
      ttlMs: 3_000,
    });
    expect(keepOf({ result: { header, ID: "123" } })).toEqual({ lease: "123", ttlMs: 0 });
  });

  it("of a watch tells that it began, of the newest change, and of its end", () => {
    expect(watchOf({ result: { header, created: true } }, keys)).toEqual({
      began: true,
      over: false,
      change: null,
      agreed: false,
    });
    const removed = { type: "DELETE", kv: { key: leaderKv.key, mod_revision: "6" } };
    expect(watchOf({ result: { header, events: [{ kv: leaderKv }, removed] } }, keys).change).toEqual({
      revision: 6,
      leader: null,
    });
    expect(watchOf({ result: { header, events: [{ kv: leaderKv }] } }, keys).change).toEqual({
      revision: 5,
      leader,
    });
    expect(watchOf({ result: { header, canceled: true } }, keys).over).toBe(true);
  });

  it("of a reading names what was agreed, whether it was not asked for, and whether somebody else wrote it", () => {
    const agreed = (value?: string): unknown => ({
      create_revision: "6",
      mod_revision: "6",
      ...(value === undefined ? {} : { value: Buffer.from(value).toString("base64") }),
    });
    const stored = { id: "1", value: "é\u0001" };
    const read = (kv: unknown, whole: boolean): unknown => snapshotOf(answer([], [], [kv]), whole).agreed;
    expect(read(agreed(JSON.stringify(stored)), true)).toEqual({ modRevision: 6, stored });
    expect(read(agreed(), false)).toEqual({ modRevision: 6, stored: "unread" });
    for (const foreign of [agreed(), agreed("hello"), agreed('{"value":1}')])
      expect(read(foreign, true)).toEqual({ modRevision: 6, stored: "unreadable" });
  });

  it("of a watch tells that the agreed key changed, beside what became of the leader's", () => {
    const event = { kv: { key: keys.agreed, create_revision: "8", mod_revision: "8", value: btoa("{}") } };
    const removed = { type: "DELETE", kv: { key: keys.leader, mod_revision: "6" } };
    const news = watchOf({ result: { header, events: [removed, event] } }, keys);
    expect(news).toEqual({ began: false, over: false, change: { revision: 6, leader: null }, agreed: true });
  });

  it("of another shape is refused rather than read as an empty etcd", () => {
    for (const odd of [{}, { header: {} }, { header: { revision: 7 } }, [], "ok", null])
      expect(() => snapshotOf(odd, false), JSON.stringify(odd)).toThrow();
  });
});

describe("a question to etcd", () => {
  it("writes what was agreed only while the leader's key and what it replaces are as the writer knew them", () => {
    const question = agreeQuestion(
      keys,
      { leader: 5, over: 6 },
      { id: "1", value: "\u0001".repeat(32 * 1024) },
    );
    expect(question).toMatchObject({
      compare: [
        { target: "CREATE", key: keys.leader, create_revision: "5" },
        { target: "MOD", key: keys.agreed, mod_revision: "6" },
      ],
      success: [{ request_put: { key: keys.agreed } }, {}, {}, { request_range: { keys_only: false } }],
      failure: [{}, {}, { request_range: { keys_only: false } }],
    });
  });

  it("reads both keys at one revision, and takes the leader's only while absent under a known generation", () => {
    expect(atob(keys.leader)).toBe("/ringrift/lab/leader");
    expect(readQuestion(keys, false)).toMatchObject({
      success: [
        { request_range: { key: keys.leader } },
        { request_range: { key: keys.generation } },
        { request_range: { key: keys.agreed, keys_only: true } },
      ],
    });
    const effect = { type: "campaign", lease: "9", generationRevision: 3 } as const;
    expect(campaignQuestion(keys, "a", effect)).toMatchObject({
      compare: [
        { target: "CREATE", create_revision: "0" },
        { target: "MOD", mod_revision: "3" },
      ],
      success: [{ request_put: { value: btoa('{"voter":"a"}'), lease: "9" } }, {}, {}, {}],
    });
  });
});
