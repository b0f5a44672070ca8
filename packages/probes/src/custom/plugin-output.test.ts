import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgePlugin, parsePerfdata, splitOutput } from "./plugin-output.ts";

const exited = (code: number, stdout: string, stderr = "") =>
  judgePlugin("custom.load", { kind: "exited", code, stdout, stderr });

describe("a plugin's answer", () => {
  it("is judged by the exit code, with the first line as the reason", () => {
    expect([0, 1, 2, 3].map((code) => exited(code, "LOAD OK - 0.5\n").state)).toEqual([
      "healthy",
      "degraded",
      "unhealthy",
      "unknown",
    ]);
    expect(exited(0, "LOAD OK - 0.5 | load1=0.5\n").reason).toBe("LOAD OK - 0.5");
  });

  it("is unknown for any other exit code, and never healthy without one", () => {
    expect(exited(127, "", "sh: not found\n")).toMatchObject({
      state: "unknown",
      reason: "exit code 127 is none of 0 to 3: sh: not found",
    });
    expect(judgePlugin("custom.x", { kind: "no_answer", reason: "no answer within 10 s" }).state).toBe(
      "unknown",
    );
    expect(exited(0, "").reason).toBe("exit code 0 without a word");
  });

  it("keeps long text and takes performance data from every place where they may stand", () => {
    expect(splitOutput("DISK OK | /=5MB\nlong text\nmore | /home=1MB\n/var=2MB\n")).toEqual({
      text: "DISK OK",
      more: "long text\nmore",
      perfdata: "/=5MB  /home=1MB /var=2MB",
    });
  });
});

describe("performance data", () => {
  const values = (text: string) =>
    parsePerfdata(text, "c").measures.map(({ name, labels, value }) => [name, labels?.label, value]);

  it("are read into base units", () => {
    expect(values("time=12ms;50;100;0 'free space'=42%;10:;5: size=3KB rx=7c load=0.25 gone=U")).toEqual([
      ["custom_check_seconds", "time", 0.012],
      ["custom_check_ratio", "free space", 0.42],
      ["custom_check_bytes", "size", 3000],
      ["custom_check_count_total", "rx", 7],
      ["custom_check_value", "load", 0.25],
      ["custom_check_value", "gone", null],
    ]);
  });

  it("of no form or unit are counted, not guessed", () => {
    expect(parsePerfdata("a=1furlong b=x c d=2", "c")).toMatchObject({
      dropped: 3,
      measures: [{ value: 2 }],
    });
  });

  it("are bounded, each label once", () => {
    const many = Array.from({ length: 60 }, (_, index) => `v${index}=${index}`).join(" ");
    const read = parsePerfdata(`${many} v0=1`, "c");
    expect([read.measures.length, read.dropped]).toEqual([50, 11]);
  });

  it("give finite numbers or nothing for any text", () => {
    const pieces = fc.array(
      fc.constantFrom("a", "'", "=", "1", "e9", "99999", ";", "|", " ", "%", "KB", "U", "-", ".", "\n"),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join("")),
        ),
        (output) => {
          for (const measure of exited(0, output).measures ?? [])
            expect(
              measure.value === null ||
                Number.isFinite(measure.value) ||
                Math.abs(measure.value) === Infinity,
            ).toBe(true);
        },
      ),
    );
  });
});
