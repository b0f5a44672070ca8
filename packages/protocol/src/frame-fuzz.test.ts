import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, isRefused } from "./frame-codec.ts";
import type { Frame } from "./frames.ts";

const frames: readonly Frame[] = [
  {
    type: "heartbeat",
    seq: 7,
    incarnation: { boot: 1_700_000_000_000, counter: 0 },
    loopLagMs: 3,
    epoch: "1.42",
    leaderId: "server-1",
  },
  { type: "election", message: { type: "vote_reply", term: 9, granted: true, quietMs: 12.5 } },
  {
    type: "verdict",
    term: 9,
    members: [
      {
        member: "gpu-1",
        role: "agent",
        incarnation: { boot: 1, counter: 2 },
        state: "suspect",
        reason: "silence",
        accusers: ["10.0.0.1:8790"],
      },
    ],
  },
  { type: "propose", id: 7, proposal: '{"type":"retire"}' },
  { type: "proposed", id: 7, ok: true, value: "é\u0000", stamp: "12.3" },
  { type: "proposed", id: 8, ok: false, code: "NO_LEADER", message: "Nobody leads.", nextStep: null },
  { type: "clock_query", askedAt: 1234.5 },
  { type: "clock_reply", askedAt: 1234.5, wallMs: 1_700_000_000_000 },
  {
    type: "report",
    nodeId: "gpu-1",
    report: { full: true, seq: 1, sentAt: 1, version: "1", startedAt: 1, checks: [] },
  },
];

/** What must hold of any text whatever: an answer without a throw, and a frame that reads the same again. */
function checkDecoding(text: string): void {
  const decoded = decodeFrame(text);
  expect(Object.prototype).not.toHaveProperty("polluted");
  if (isRefused(decoded)) {
    expect(decoded.detail.length).toBeLessThanOrEqual(200);
    return;
  }
  // As text, since JSON does not know the -0 that it reads.
  const encoded = encodeFrame(decoded);
  const again = decodeFrame(encoded);
  expect(isRefused(again) ? again : encodeFrame(again)).toBe(encoded);
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A valid frame with a few bytes changed, removed, repeated or cut off. */
function mutant(random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes: Buffer = Buffer.from(encodeFrame(frames[below(frames.length)] ?? { type: "leave" }));
  for (let change = 0; change <= below(4); change += 1) {
    const at = below(bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(12));
    const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    const edits = [
      (): Buffer => Buffer.concat([before, after]),
      (): Buffer => Buffer.concat([before, piece, piece, piece, after]),
      (): Buffer => Buffer.concat([before, Buffer.from([below(256)]), after]),
      (): Buffer => Buffer.concat([before, Buffer.from('{"__proto__":{"polluted":1}}'), after]),
      (): Buffer => Buffer.concat([before, Buffer.from("[".repeat(below(64))), piece, after]),
      (): Buffer => before,
    ];
    bytes = edits[below(edits.length)]?.() ?? bytes;
  }
  return bytes.toString("utf8");
}

describe("the frame decoder", { timeout: 60_000 }, () => {
  it("answers every text, and every frame that it takes reads the same again", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json({ maxDepth: 4 })), checkDecoding), {
      numRuns: 200,
    });
  });

  it("answers every object with a known type and arbitrary fields", () => {
    const types = frames.map(({ type }) => type);
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.dictionary(fc.string(), fc.jsonValue()), (type, fields) =>
        checkDecoding(JSON.stringify({ ...fields, type })),
      ),
      { numRuns: 200 },
    );
  });

  it("answers every valid frame of which single fields were replaced", () => {
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.nat(), fc.jsonValue(), (frame, pick, value) => {
        const keys = Object.keys(frame);
        checkDecoding(JSON.stringify({ ...frame, [keys[pick % keys.length] ?? "type"]: value }));
      }),
      { numRuns: 200 },
    );
  });

  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
  it(`answers 5,000 mutants of valid frames (FUZZ_SEED=${seed})`, () => {
    const random = randomOf(seed);
    let taken = 0;
    for (let run = 0; run < 5_000; run += 1) {
      const text = mutant(random);
      try {
        checkDecoding(text);
      } catch (cause) {
        throw new Error(`FUZZ_SEED=${seed}, run ${run}: ${JSON.stringify(text)}`, { cause });
      }
      if (!isRefused(decodeFrame(text))) taken += 1;
    }
    // A fuzzer whose every text is refused at once would test nothing but JSON.parse.
    expect(taken).toBeGreaterThan(0);
  });
});
