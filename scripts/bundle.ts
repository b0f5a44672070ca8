import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { rolldown } from "rolldown";

/**
 * Joins a program's compiled modules and what they import into one file: `node scripts/bundle.ts dist`, run in the
 * program's folder after tsc. A process that loads hundreds of modules keeps megabytes for that alone
 * (docs/decisions/0010-agent-footprint.md). `main.js` stays as it is and loads the bundle.
 */
const folder = process.argv[2] ?? "dist";
const kept = /^main\.(?:js|d\.ts)$/;

// The parser is loaded at run time, where a file is given.
const bundle = await rolldown({
  input: join(folder, "program.js"),
  platform: "node",
  external: [/^node:/, "yaml"],
});
const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
await bundle.close();

for (const name of readdirSync(folder)) if (!kept.test(name)) rmSync(join(folder, name), { recursive: true });
const packages = new Set<string>();
for (const chunk of output) {
  if (chunk.type !== "chunk") continue;
  // Text with a single letter beyond Latin-1 would take two bytes a letter in memory.
  writeFileSync(join(folder, basename(chunk.fileName)), chunk.code.replace(/[^\0-\x7f]/g, escaped));
  for (const id of chunk.moduleIds) {
    const home = packageOf(id);
    if (home !== null) packages.add(home);
  }
}
writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), [...packages].sort().map(notice).join("\n"));

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The folder of the other people's package that a module is part of; null for our own. */
function packageOf(id: string): string | null {
  const marker = `${sep}node_modules${sep}`;
  if (!id.includes(marker)) return null;
  let home = dirname(id);
  while (home.includes(marker) && !isNamedPackage(join(home, "package.json"))) home = dirname(home);
  return home.includes(marker) ? home : null;
}

function isNamedPackage(path: string): boolean {
  return existsSync(path) && "name" in JSON.parse(readFileSync(path, "utf8"));
}

function notice(home: string): string {
  const { name, version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const file = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "See its package." : readFileSync(join(home, file), "utf8");
  return `${name} ${version}\n\n${text}\n`;
}
