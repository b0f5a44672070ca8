import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkLayering } from "./layering.ts";
import { scanSource } from "./source-scan.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "layering-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function addPackage(
  folder: string,
  name: string,
  dependencies: readonly string[],
  sources: Readonly<Record<string, string>>,
): void {
  const manifest = {
    name,
    dependencies: Object.fromEntries(dependencies.map((item) => [item, "workspace:*"])),
  };
  write(`${folder}/package.json`, JSON.stringify(manifest, null, 2));
  for (const [file, text] of Object.entries(sources)) write(`${folder}/src/${file}`, text);
}

const found = (): string[] => checkLayering(root).map(({ file, line, why }) => `${file}:${line} ${why}`);

describe("the floor plan", () => {
  it("accepts a package that depends on a lower rank", () => {
    addPackage("packages/mesh", "@ringrift/mesh", ["@ringrift/protocol"], {
      "index.ts": 'export { a } from "@ringrift/protocol";\n',
    });
    expect(found()).toEqual([]);
  });

  it("refuses a dependency on a sibling of the same rank, in the manifest and in the source", () => {
    addPackage("packages/mesh", "@ringrift/mesh", ["@ringrift/scorer"], {
      "index.ts": 'import { a } from "@ringrift/scorer";\n',
    });
    expect(found()).toEqual([
      expect.stringContaining("packages/mesh/package.json:4 @ringrift/mesh (rank 1) may not depend on"),
      expect.stringContaining("packages/mesh/src/index.ts:1 @ringrift/mesh (rank 1) may not depend on"),
    ]);
  });

  it("refuses a dependency on an app", () => {
    addPackage("packages/orchestrator", "@ringrift/orchestrator", ["@ringrift/cli"], { "index.ts": "" });
    expect(found()).toEqual([expect.stringContaining("may not depend on @ringrift/cli (rank 5)")]);
  });

  it("refuses a package without a rank", () => {
    addPackage("packages/extra", "@ringrift/extra", [], { "index.ts": "" });
    expect(found()).toEqual([expect.stringContaining("@ringrift/extra has no rank")]);
  });

  it("accepts a further entry of a package that its exports declare", () => {
    const exports = { ".": "./dist/index.js", "./frames": "./dist/frames.js" };
    write("packages/protocol/package.json", JSON.stringify({ name: "@ringrift/protocol", exports }));
    write("packages/protocol/src/index.ts", "");
    addPackage("packages/mesh", "@ringrift/mesh", ["@ringrift/protocol"], {
      "index.ts": 'import "@ringrift/protocol/frames";\nimport "@ringrift/protocol/events";\n',
    });
    expect(found()).toEqual([
      expect.stringContaining('index.ts:2 "@ringrift/protocol/events" reaches inside'),
    ]);
  });

  it("keeps the CLI to the packages it may use", () => {
    addPackage("apps/cli", "@ringrift/cli", ["@ringrift/metrics", "@ringrift/program"], { "main.ts": "" });
    expect(found()).toEqual([expect.stringContaining("@ringrift/cli may depend only on")]);
  });

  it.each([
    ["an undeclared import", 'import { a } from "@ringrift/protocol";', "is not declared"],
    [
      "a deep import",
      'import { a } from "@ringrift/protocol/dist/a.js";',
      "reaches inside @ringrift/protocol",
    ],
    ["a dynamic import", 'const a = await import("@ringrift/protocol");', "is not declared"],
    ["a re-export over several lines", 'export {\n  a,\n} from "@ringrift/protocol";', "is not declared"],
    ["a type import", 'import type { a } from "@ringrift/protocol";', "is not declared"],
    [
      "a relative import of another package",
      'import { a } from "../../scorer/src/a.ts";',
      "leaves its package",
    ],
    [
      "an import of the package by its own name",
      'import { a } from "@ringrift/mesh";',
      "is this package itself",
    ],
  ])("refuses %s", (_, source, why) => {
    addPackage("packages/mesh", "@ringrift/mesh", [], { "index.ts": source });
    expect(found()).toEqual([expect.stringContaining(why)]);
  });
});

describe("cores", () => {
  it.each([
    ["node:fs", 'import { readFileSync } from "node:fs";'],
    ["Date.now", "export const now = Date.now();"],
    ["new Date", "export const now = new Date();"],
    ["Math.random", "export const dice = Math.random();"],
    ["setTimeout", "setTimeout(run, 1);"],
    ["process", "export const home = process.env.HOME;"],
    ["Date.now", "export const text = `now: $" + "{Date.now()}`;"],
  ])("may not use %s: %s", (name, source) => {
    addPackage("packages/mesh", "@ringrift/mesh", [], { "core/election.ts": source });
    expect(found()).toEqual([
      expect.stringMatching(new RegExp(`core/election.ts:1 "?${name}.*this file is a core`)),
    ]);
  });

  it("are also the files that begin with the mark", () => {
    addPackage("packages/scorer", "@ringrift/scorer", [], {
      "score.ts": "// core: pure\nsetInterval(run, 1);\n",
    });
    expect(found()).toEqual([expect.stringContaining("score.ts:2 setInterval is not pure")]);
  });

  it("carry their purity to the files they import, and not to those they take only types from", () => {
    addPackage("packages/mesh", "@ringrift/mesh", [], {
      "core/election.ts": 'import { a } from "../a.ts";\nimport type { B } from "../b.ts";\n',
      "a.ts": "export const a = Date.now();\n",
      "b.ts": "export type B = string;\nexport const b = Date.now();\n",
    });
    expect(found()).toEqual([expect.stringContaining("a.ts:1 Date.now is not pure")]);
  });

  it("may make a date from a given instant, and their tests may do as they like", () => {
    addPackage("packages/mesh", "@ringrift/mesh", [], {
      "core/election.ts": "export const at = (now: number) => new Date(now);\n",
      "core/election.test.ts": "Math.random();\n",
    });
    expect(found()).toEqual([]);
  });

  it("may name impure things in comments and strings", () => {
    addPackage("packages/mesh", "@ringrift/mesh", [], {
      "core/election.ts":
        '// Date.now()\n/* process.env */ export const text = "Math.random()" + `setTimeout`;\n',
    });
    expect(found()).toEqual([]);
  });
});

describe("scanSource", () => {
  it("is not misled by quotes in regular expressions, templates and comments", () => {
    const source = [
      'const quote = /["\'`/]/; // it\'s a "trap"',
      "const half = a / b; const text = `$" + '{c ? `"$' + '{d}"` : {}} import "x"`;',
      'import { e } from "node:os";',
    ].join("\n");
    expect(scanSource(source).imports).toEqual([{ specifier: "node:os", line: 3, typeOnly: false }]);
  });
});
