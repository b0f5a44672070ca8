import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nextBoot } from "./incarnation-file.ts";
import { openVoteFile } from "./vote-file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-vote-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a vote file", () => {
  it("is none before the first write, and what was written afterwards", () => {
    const file = openVoteFile(join(directory, "new"), "a");
    expect(file.read()).toBeNull();
    file.write({ term: 3, votedFor: "b" });
    expect(openVoteFile(join(directory, "new"), "a").read()).toEqual({ term: 3, votedFor: "b" });
  });

  it("is an error when torn at any byte, edited, or another voter's; never a silent term 0", () => {
    const file = openVoteFile(directory, "a");
    file.write({ term: 3, votedFor: "b" });
    const text = readFileSync(file.path, "utf8");
    const unusable = expect.objectContaining({ code: "VOTE_FILE" });
    // The last byte is a line end, which says nothing.
    for (let length = 0; length < text.length - 1; length += 1) {
      writeFileSync(file.path, text.slice(0, length));
      expect(() => file.read(), `torn at ${length}`).toThrow(unusable);
    }
    writeFileSync(file.path, text.replace("3", "2"));
    expect(() => file.read()).toThrow(unusable);
    const others = openVoteFile(directory, "b");
    writeFileSync(others.path, text);
    expect(() => others.read()).toThrow(/vote of a, not of b/);
  });

  it("is another one for another voter in the same directory, so that no vote is inherited", () => {
    openVoteFile(directory, "10.0.0.1:8790").write({ term: 3, votedFor: null });
    expect(openVoteFile(directory, "10.0.0.1:9000").read()).toBeNull();
  });
});

describe("a boot counter", () => {
  it("rises with each start, also when the clock went back or the file is torn", () => {
    const warnings: string[] = [];
    const log = (_level: string, message: string): unknown => warnings.push(message);
    expect(nextBoot(directory, 1_000, log)).toBe(1_000);
    expect(nextBoot(directory, 500, log)).toBe(1_001);
    writeFileSync(join(directory, "boot"), "torn?");
    expect(nextBoot(directory, 2_000, log)).toBe(2_000);
    expect(warnings).toHaveLength(1);
  });
});
