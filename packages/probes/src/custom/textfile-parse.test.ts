import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTextfile } from "./textfile-parse.ts";

describe("metric text", () => {
  it("keeps values, escapes and types", () => {
    const read = parseTextfile(
      '# HELP a Help.\n# TYPE a gauge\na{b="x\\"y\\\\z\\n",c="d"} -1.5e3\n\n# note\nb NaN\n',
    );
    expect(read).toEqual({
      ok: true,
      families: [
        {
          name: "a",
          type: "gauge",
          help: "Help.",
          samples: [{ name: "a", labels: { b: 'x"y\\z\n', c: "d" }, value: -1500 }],
        },
        {
          name: "b",
          type: "unknown",
          help: "From a text file on this host.",
          samples: [{ name: "b", labels: {}, value: Number.NaN }],
        },
      ],
    });
  });

  it.each([
    ["a{b=1} 2", "labels"],
    ["a 1 1700000000", "time stamp"],
    ["a one", "number"],
    ["a", "no sample"],
    ["ringrift_health_score 100", "own metrics"],
    ["# TYPE a histogram", "not offered"],
    [`a{${Array.from({ length: 21 }, (_, index) => `l${index}="x"`).join(",")}} 1`, "too many"],
  ])("is refused whole with line and reason: %s", (line, reason) => {
    expect(parseTextfile(`ok 1\n${line}\n`)).toMatchObject({
      ok: false,
      line: 2,
      problem: expect.stringContaining(reason),
    });
  });

  it("is bounded", () => {
    expect(parseTextfile(Array.from({ length: 2001 }, (_, index) => `a${index} 1`).join("\n")).ok).toBe(
      false,
    );
  });

  it("gives an answer for any text", () => {
    const pieces = fc.array(
      fc.constantFrom("a", "{", "}", '"', "=", ",", " ", "1", "e", "\n", "#", "TYPE", "\\"),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join("")),
        ),
        (text) => {
          expect(typeof parseTextfile(text).ok).toBe("boolean");
        },
      ),
    );
  });
});
