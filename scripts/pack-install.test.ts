import { describe, expect, it } from "vitest";
import { versionProblem } from "./pack-install.ts";

const printed = (code: number, stdout: string, stderr: string) => ({ code, stdout, stderr });

describe("versionProblem", () => {
  it("accepts a program that prints its version", () => {
    expect(versionProblem(printed(0, "0.1.0\n", ""), 26, 22, "0.1.0")).toBeNull();
  });

  it("refuses another version, and a program that fails", () => {
    expect(versionProblem(printed(0, "0.2.0\n", ""), 26, 22, "0.1.0")).toContain("should print 0.1.0");
    expect(versionProblem(printed(1, "", "boom"), 26, 22, "0.1.0")).toContain("boom");
  });

  it("asks a program on a Node that is too old to say so in one line", () => {
    const line = "ringrift needs Node 22 or newer, this is 20.1.0";
    expect(versionProblem(printed(1, "", `${line}\n`), 20, 22, "0.1.0")).toBeNull();
    expect(versionProblem(printed(1, "", `${line}\n    at start (main.js:1)\n`), 20, 22, "0.1.0")).toContain(
      "one line",
    );
    expect(versionProblem(printed(0, "0.1.0\n", ""), 20, 22, "0.1.0")).toContain("though it needs 22");
  });
});
