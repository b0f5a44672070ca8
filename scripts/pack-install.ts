import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, join, sep } from "node:path";
import { promisify } from "node:util";
import { type PackedPackage, packAll, withTemporaryFolder } from "./pack.ts";
import { publicNames, repositoryRoot } from "./workspace.ts";

const execFileAsync = promisify(execFile);
const stepTimeoutMs = 120_000;

/** What a program printed and how it ended. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What went wrong in one trial, or null. */
type Trial = string | null;

/** A Node to try the installed packages with. */
interface Runtime {
  readonly name: string;
  readonly path: string;
  readonly major: number;
}

async function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  try {
    const { stdout, stderr } = await execFileAsync(program, args, { cwd, timeout: stepTimeoutMs });
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error && "stdout" in error && "stderr" in error)) throw error;
    const code = "code" in error && typeof error.code === "number" ? error.code : 1;
    return { code, stdout: `${error.stdout}`, stderr: `${error.stderr}` || error.message };
  }
}

// Our own packages come from the tarballs, wherever they stand in the tree; a registry may know other versions.
async function installProblem(folder: string, packages: readonly PackedPackage[]): Promise<Trial> {
  const tarballs = Object.fromEntries(
    packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]),
  );
  const overrides = Object.fromEntries(packages.map(({ manifest }) => [manifest.name, `$${manifest.name}`]));
  const consumer = {
    name: "consumer",
    version: "1.0.0",
    private: true,
    type: "module",
    dependencies: tarballs,
    overrides,
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(consumer, null, 2));
  const { code, stdout, stderr } = await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--loglevel=error"],
    folder,
  );
  return code === 0 ? null : `npm install of the tarballs failed with ${code}:\n${stderr}${stdout}`;
}

// A TypeScript user sees our types and not our development dependencies: each type they name must be there.
async function typesProblem(folder: string, packages: readonly PackedPackage[]): Promise<Trial> {
  const names = packages.flatMap(({ manifest }) => publicNames(manifest));
  const lines = names.map((name, index) => `export * as library${index} from "${name}";`);
  const options = {
    compilerOptions: {
      module: "nodenext",
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      typeRoots: [join(repositoryRoot, "node_modules/@types")],
      types: ["node"],
    },
    files: ["consumer.ts"],
  };
  await writeFile(join(folder, "consumer.ts"), lines.join("\n"));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(options));
  const { stdout } = await run(join(repositoryRoot, "node_modules/.bin/tsc"), ["--pretty", "false"], folder);
  const ours = stdout
    .split("\n")
    .filter((line) => /^(?:node_modules\/@ringrift\/|consumer\.ts|error )/.test(line));
  return ours.length === 0 ? null : `the types of our packages do not stand alone:\n${ours.join("\n")}`;
}

async function importProblem(folder: string, runtime: Runtime, name: string): Promise<Trial> {
  const script = `const names = Object.keys(await import(${JSON.stringify(name)})); console.log(names.length);`;
  const { code, stdout, stderr } = await run(runtime.path, ["--input-type=module", "--eval", script], folder);
  if (code !== 0) return `${name} cannot be imported with ${runtime.name}:\n${stderr}`;
  if (!(Number(stdout) > 0)) return `${name} exports nothing`;
  return null;
}

async function programProblem(
  folder: string,
  runtime: Runtime,
  item: PackedPackage,
  bin: string,
): Promise<Trial> {
  const target = item.manifest.bin?.[bin] ?? "";
  const path = join(folder, "node_modules", item.manifest.name, target);
  const { code, stdout, stderr } = await run(runtime.path, [path, "--version"], folder);
  const problem = versionProblem(
    { code, stdout, stderr },
    runtime.major,
    requiredMajor(item),
    item.manifest.version,
  );
  return problem === null ? null : `${bin} --version with ${runtime.name}: ${problem}`;
}

/** Judges `program --version`: the version, or one clear line where Node is older than the program needs. */
export function versionProblem(
  outcome: Outcome,
  nodeMajor: number,
  needed: number,
  version: string,
): string | null {
  const lines = outcome.stderr.trim().split("\n");
  if (nodeMajor < needed) {
    if (outcome.code === 0) return `ran on Node ${nodeMajor} though it needs ${needed}`;
    if (lines.length !== 1 || !/node/i.test(lines[0] ?? "") || !(lines[0] ?? "").includes(`${needed}`)) {
      return `should refuse Node ${nodeMajor} with one line that names Node ${needed}, but printed:\n${outcome.stderr}`;
    }
    return null;
  }
  if (outcome.code !== 0) return `ended with ${outcome.code}:\n${outcome.stderr}`;
  if (!outcome.stdout.includes(version))
    return `should print ${version}, but printed "${outcome.stdout.trim()}"`;
  return null;
}

function requiredMajor(item: PackedPackage): number {
  return Number(/\d+/.exec(item.manifest.engines?.node ?? "")?.[0] ?? 0);
}

// npm links each program into .bin: the link must exist and start, since that is what people type.
async function linkProblem(folder: string, item: PackedPackage, bin: string): Promise<Trial> {
  const { code, stderr } = await run(join(folder, "node_modules/.bin", bin), ["--version"], folder);
  return code === 0
    ? null
    : `${item.manifest.name}: node_modules/.bin/${bin} --version ended with ${code}:\n${stderr}`;
}

/** The Node that runs this script, and the one that a shell outside the repository would find. */
async function runtimes(): Promise<readonly Runtime[]> {
  const own = { name: `the repository's Node ${process.versions.node}`, path: process.execPath };
  const outside = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => !entry.split(sep).includes("node_modules"))
    .map((entry) => ({ name: "Node from PATH", path: join(entry, "node") }));
  const found: Runtime[] = [{ ...own, major: Number(process.versions.node.split(".")[0]) }];
  for (const { name, path } of outside) {
    const { code, stdout } = await run(path, ["--version"], repositoryRoot);
    if (code !== 0) continue;
    found.push({ name: `${name} (${stdout.trim()})`, path, major: Number(/\d+/.exec(stdout)?.[0] ?? 0) });
    break;
  }
  return found;
}

// Libraries are imported only where their Node is new enough; programs must start, or say why not, on any.
async function tryPackage(folder: string, runtime: Runtime, item: PackedPackage): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  for (const name of runtime.major >= requiredMajor(item) ? publicNames(item.manifest) : []) {
    trials.push(await importProblem(folder, runtime, name));
  }
  for (const bin of Object.keys(item.manifest.bin ?? {})) {
    trials.push(await programProblem(folder, runtime, item, bin));
    if (runtime.path === process.execPath) trials.push(await linkProblem(folder, item, bin));
  }
  return trials;
}

async function main(): Promise<void> {
  await withTemporaryFolder("pack-install", async (folder) => {
    const packages = await packAll(repositoryRoot, folder);
    const trials: Trial[] = [await installProblem(folder, packages)];
    for (const runtime of trials[0] === null ? await runtimes() : []) {
      for (const item of packages) trials.push(...(await tryPackage(folder, runtime, item)));
    }
    if (trials[0] === null) trials.push(await typesProblem(folder, packages));
    const found = trials.filter((problem) => problem !== null);
    for (const problem of found) console.error(`pack-install: ${problem}`);
    console.log(
      `pack-install: ${packages.length} packages, ${trials.length} trials, ${found.length} problems`,
    );
    if (found.length > 0 || packages.length === 0) process.exitCode = 1;
  });
}

if (import.meta.main) await main();
