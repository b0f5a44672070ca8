import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { mapBounded, type PackedPackage, packAll, withTemporaryFolder } from "./pack.ts";
import { type Manifest, repositoryRoot } from "./workspace.ts";

const execFileAsync = promisify(execFile);

/** What must never reach a registry. */
const unwanted: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\.test[.-]|(?:^|\/)(?:__tests__|testdata|fixtures)\//, why: "a test or its data" },
  { pattern: /(?<!\.d)\.ts$|(?:^|\/)src\//, why: "a source file" },
  { pattern: /\.tsbuildinfo$|\.tgz$|(?:^|\/)\.env|(?:^|\/)node_modules\//, why: "a leftover" },
];

/** What is wrong with the contents of one tarball; empty when nothing is. */
export function contentProblems(
  files: readonly string[],
  manifest: Pick<Manifest, "license" | "engines" | "exports" | "bin">,
): readonly string[] {
  const problems: string[] = [];
  for (const required of ["README.md", "LICENSE", "package.json"]) {
    if (!files.includes(required)) problems.push(`${required} is missing`);
  }
  if (manifest.license === undefined) problems.push("package.json has no license");
  if (manifest.engines?.node === undefined) problems.push("package.json has no engines.node");
  if (manifest.exports === undefined && manifest.bin === undefined)
    problems.push("package.json has neither exports nor bin");
  for (const target of [...exportTargets(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})]) {
    if (!files.includes(target.replace(/^\.\//, "")))
      problems.push(`${target} is named in package.json and missing`);
  }
  for (const file of files) {
    const match = unwanted.find(({ pattern }) => pattern.test(file));
    if (match !== undefined) problems.push(`${file} is ${match.why}`);
  }
  return problems;
}

// tsc never deletes what it once wrote, so a renamed source leaves its old output behind.
function staleProblems(item: PackedPackage): string[] {
  return item.files
    .filter((file) => file.startsWith("dist/") && file.endsWith(".js"))
    .filter((file) => !existsSync(join(item.directory, file.replace(/^dist/, "src").replace(/\.js$/, ".ts"))))
    .map((file) => `${file} has no source any more: delete ${item.folder}/dist and build again`);
}

function exportTargets(node: unknown): string[] {
  if (typeof node === "string") return [node];
  if (typeof node !== "object" || node === null) return [];
  return Object.values(node).flatMap(exportTargets);
}

async function publintProblems(item: PackedPackage): Promise<string[]> {
  const tarball = new Uint8Array(await readFile(item.tarball)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages
    .filter(({ type }) => type !== "suggestion")
    .map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

// Types are looked up as Node does it; a package of programs alone has none to look up.
async function typeProblems(item: PackedPackage): Promise<string[]> {
  if (item.manifest.exports === undefined) return [];
  const attw = fileURLToPath(
    new URL("dist/index.js", import.meta.resolve("@arethetypeswrong/cli/package.json")),
  );
  try {
    await execFileAsync(process.execPath, [
      attw,
      item.tarball,
      "--profile",
      "esm-only",
      "--format",
      "ascii",
      "--no-color",
      "--no-emoji",
    ]);
    return [];
  } catch (error) {
    const output =
      error instanceof Error && "stdout" in error ? `${error.message}\n${error.stdout}` : `${error}`;
    return [`arethetypeswrong: ${output.trim()}`];
  }
}

async function main(): Promise<void> {
  await withTemporaryFolder("package-lint", async (folder) => {
    const packages = await packAll(repositoryRoot, folder);
    const reports = await mapBounded(packages, 2, async (item) => ({
      name: item.manifest.name,
      problems: [
        ...contentProblems(item.files, item.manifest),
        ...staleProblems(item),
        ...(await publintProblems(item)),
        ...(await typeProblems(item)),
      ],
    }));
    for (const { name, problems } of reports)
      for (const problem of problems) console.error(`${name}: ${problem}`);
    const failed = reports.filter(({ problems }) => problems.length > 0).length;
    console.log(`package-lint: ${reports.length} packages, ${failed} with problems`);
    if (failed > 0 || reports.length === 0) process.exitCode = 1;
  });
}

if (import.meta.main) await main();
