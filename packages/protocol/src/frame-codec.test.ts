import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, isRefused } from "./frame-codec.ts";
import { type Frame, maxFrameBytes, maxFrameDepth } from "./frames.ts";

const heartbeat: Frame = {
  type: "heartbeat",
  seq: 7,
  incarnation: { boot: 1_800_000_000_000, counter: 2 },
  loopLagMs: 3.5,
  epoch: "0.12",
  leaderId: "server-1",
};

function refusal(text: string): string | null {
  const decoded = decodeFrame(text);
  return isRefused(decoded) ? decoded.refused : null;
}

describe("frames", () => {
  it("come back as they were sent", () => {
    expect(decodeFrame(encodeFrame(heartbeat))).toEqual(heartbeat);
  });

  it("lose the fields that this version does not know", () => {
    expect(decodeFrame(JSON.stringify({ ...heartbeat, novelty: 1 }))).toEqual(heartbeat);
  });

  it("keep a member whose reason only a newer version knows, under a neutral one", () => {
    const member = {
      member: "gpu-1",
      role: "agent",
      incarnation: { boot: 1, counter: 0 },
      state: "down",
      accusers: [],
    };
    const text = (reason: unknown) =>
      JSON.stringify({ type: "verdict", term: 1, members: [{ ...member, reason }] });
    expect(decodeFrame(text("evaporated"))).toMatchObject({ members: [{ state: "down", reason: "other" }] });
    expect(decodeFrame(text(7))).toMatchObject({ refused: "bad_fields" });
  });

  it("of an unknown type are told apart from broken ones", () => {
    expect(refusal('{"type":"from_the_future","x":1}')).toBe("unknown_type");
    expect(refusal('{"type":"toString"}')).toBe("unknown_type");
    expect(refusal('{"type":"heartbeat","seq":-1}')).toBe("bad_fields");
    expect(refusal('{"type":"election","message":{"type":"from_the_future","x":1}}')).toBe("unknown_type");
    expect(refusal('{"type":"election","message":{"type":"vote","term":-1}}')).toBe("bad_fields");
    expect(refusal('{"type":"election","message":{"type":7}}')).toBe("bad_fields");
  });

  it("are refused when they are no JSON object with a type", () => {
    expect(refusal("GET / HTTP/1.1")).toBe("not_json");
    for (const text of ["null", "[]", "7", '"hello"', "{}"]) expect(refusal(text)).toBe("unknown_type");
  });

  it("are refused when they are too large, also when counted in bytes rather than characters", () => {
    const around = JSON.stringify({ type: "leave", pad: "" }).length;
    expect(refusal(JSON.stringify({ type: "leave", pad: "x".repeat(maxFrameBytes - around) }))).toBe(null);
    expect(refusal(JSON.stringify({ type: "leave", pad: "x".repeat(maxFrameBytes - around + 1) }))).toBe(
      "too_large",
    );
    expect(refusal(JSON.stringify({ type: "leave", pad: "€".repeat(maxFrameBytes / 2) }))).toBe("too_large");
  });

  it("are refused when nested too deeply, however deep", () => {
    const nested = (depth: number): string => `{"type":"leave","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(refusal(nested(maxFrameDepth - 1))).toBe(null);
    expect(refusal(nested(maxFrameDepth))).toBe("too_deep");
    expect(refusal(nested(400_000))).not.toBe(null);
  });

  it("with a __proto__ key are refused at any depth, escaped or not", () => {
    expect(refusal('{"type":"leave","__proto__":{"x":1}}')).toBe("forbidden_key");
    expect(refusal('{"type":"leave","a":[{"\\u005f_proto__":1}]}')).toBe("forbidden_key");
  });

  it("with a type that is no text are refused as unknown, even where it breaks its conversion to text", () => {
    for (const type of ['{"toString":1,"valueOf":1}', "[[]]", "1", "null", "true"])
      expect(refusal(`{"type":${type}}`)).toBe("unknown_type");
    expect(refusal("{}")).toBe("unknown_type");
  });

  it("never name a value in the detail of a refusal", () => {
    const decoded = decodeFrame('{"type":"proof","mac":"my-secret"}');
    expect(JSON.stringify(decoded)).not.toContain("my-secret");
  });
});
