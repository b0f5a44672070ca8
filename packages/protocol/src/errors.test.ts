import { describe, expect, it } from "vitest";
import { errorText, RingRiftError } from "./errors.ts";

describe("a typed error", () => {
  it("carries its code, next step, cause and the name of its own class", () => {
    class ProbeError extends RingRiftError {}
    const cause = new Error("inner");
    const error = new ProbeError("outer", { code: "PROBE_FAILED", nextStep: "Look.", cause });
    expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_FAILED", nextStep: "Look.", cause });
    expect(new RingRiftError("plain", { code: "X" }).nextStep).toBeUndefined();
  });
});

describe("the text of anything thrown", () => {
  it("is its message or itself, at most 500 characters", () => {
    expect(errorText(new Error("boom"))).toBe("boom");
    expect(errorText(7)).toBe("7");
    expect(errorText("x".repeat(501))).toHaveLength(500);
    expect(errorText(Object.create(null))).toBe("object without a text");
  });
});
