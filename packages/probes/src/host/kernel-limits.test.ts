import { describe, expect, it } from "vitest";
import { judgeLimit, parseConntrack, parseOpenFiles } from "./kernel-limits.ts";

const check = {
  things: "open files",
  reading: "open_files",
  nearlyNoneAdvice: "Restart who holds them.",
  scarceAdvice: "Find who holds them.",
};

describe("a limit of the kernel", () => {
  it("is judged by the share that is in use", () => {
    const judged = [80, 81, 96].map((used) => judgeLimit({ used, limit: 100 }, check));
    expect(judged.map(({ state, action }) => [state, action])).toEqual([
      ["healthy", undefined],
      ["degraded", "Find who holds them."],
      ["unhealthy", "Restart who holds them."],
    ]);
    expect(judged.map(({ reason }) => reason)).toEqual([
      "80 open files",
      "81 open files of at most 100 (81%)",
      "96 open files of at most 100 (96%)",
    ]);
  });

  it("that the kernel does not have does not apply", () => {
    expect(judgeLimit(parseConntrack(null, null), check).state).toBe("not_applicable");
  });

  it("is read as the kernel writes it, or not at all", () => {
    expect(parseOpenFiles("1664\t64\t9223372036854775807\n")).toMatchObject({ used: 1600 });
    expect(parseConntrack("812\n", "262144\n")).toEqual({ used: 812, limit: 262_144 });
    expect(() => parseConntrack("812\n", "0\n")).toThrow("the limit above zero");
    expect(() => parseOpenFiles("1664")).toThrow("three numbers");
  });
});
