import { describe, expect, it } from "vitest";
import { checkPage, markdownTable, staleness } from "./generate-docs.ts";

describe("markdownTable", () => {
  it("keeps a bar or a line break in a cell from breaking the table", () => {
    expect(markdownTable(["a", "b"], [["x|y", "one\ntwo"]])).toBe(
      "| a | b |\n| --- | --- |\n| x\\|y | one two |",
    );
  });
});

describe("a check's page", () => {
  it("says what is read, when it is in which state and what to do", () => {
    const { path, text } = checkPage({
      name: "files",
      title: "Open files",
      reads: "/proc/sys/fs/file-nr",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 3 },
      rules: [{ state: "degraded", when: "over 80% are open", advice: "Look who holds them." }],
    });
    expect(path).toBe("docs/checks/files.md");
    expect(text).toContain("| degraded | over 80% are open | Look who holds them. |");
    expect(text).toContain("told once 2 runs in a row have seen it, its end after 3");
  });
});

describe("staleness", () => {
  const page = { path: "docs/a.md", text: "one\ntwo\n" };

  it("is null for a page that is as the code says", () => {
    expect(staleness(page, page.text)).toBeNull();
  });

  it("names the first line that differs", () => {
    expect(staleness(page, "one\n2\n")).toBe("docs/a.md:2 is out of date\n  written: 2\n  in code: two");
    expect(staleness(page, `${page.text}more\n`)).toContain("docs/a.md:3 is out of date");
    expect(staleness(page, null)).toBe("docs/a.md does not exist");
  });
});
