import { describe, expect, it } from "vitest";
import { markdownTable, staleness } from "./generate-docs.ts";

describe("markdownTable", () => {
  it("keeps a bar or a line break in a cell from breaking the table", () => {
    expect(markdownTable(["a", "b"], [["x|y", "one\ntwo"]])).toBe(
      "| a | b |\n| --- | --- |\n| x\\|y | one two |",
    );
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
