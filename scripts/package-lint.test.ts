import { describe, expect, it } from "vitest";
import { contentProblems } from "./package-lint.ts";

const manifest = {
  license: "MIT",
  engines: { node: ">=22" },
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
};
const files = ["README.md", "LICENSE", "package.json", "dist/index.js", "dist/index.d.ts"];

describe("contentProblems", () => {
  it("finds nothing in a package with its readme, license and exported files", () => {
    expect(contentProblems(files, manifest)).toEqual([]);
  });

  it.each([
    "dist/a.test.js",
    "dist/a.test.d.ts",
    "dist/a.test-program.js",
    "src/a.js",
    "dist/a.ts",
    "testdata/a.txt",
    "tsconfig.tsbuildinfo",
    ".env",
  ])("refuses %s in a tarball", (file) => {
    expect(contentProblems([...files, file], manifest)).toEqual([expect.stringContaining(`${file} is a `)]);
  });

  it("names each exported file that is missing", () => {
    const without = files.filter((file) => !file.startsWith("dist"));
    expect(contentProblems(without, manifest)).toEqual([
      "./dist/index.d.ts is named in package.json and missing",
      "./dist/index.js is named in package.json and missing",
    ]);
  });

  it("asks for readme, license and the Node versions that run it", () => {
    expect(
      contentProblems(["package.json", "dist/main.js"], { bin: { ringrift: "./dist/main.js" } }),
    ).toEqual([
      "README.md is missing",
      "LICENSE is missing",
      "package.json has no license",
      "package.json has no engines.node",
    ]);
  });
});
