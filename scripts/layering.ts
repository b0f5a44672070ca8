import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { lineAt, type ScannedSource, scanSource } from "./source-scan.ts";
import { publicNames, repositoryRoot, type WorkspacePackage, workspacePackages } from "./workspace.ts";

/** One broken rule: where, and why it is refused. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly why: string;
}

/** The floor plan. A package may depend only on packages of a lower rank. */
export const ranks: Readonly<Record<string, number>> = {
  "@ringrift/protocol": 0,
  "@ringrift/config": 1,
  "@ringrift/http-client": 1,
  "@ringrift/metrics": 1,
  "@ringrift/probes": 1,
  "@ringrift/daemon-supervisor": 1,
  "@ringrift/mesh": 1,
  "@ringrift/pipeline": 1,
  "@ringrift/scorer": 1,
  "@ringrift/cluster-monitor": 2,
  "@ringrift/elector-etcd": 2,
  "@ringrift/program": 2,
  "@ringrift/endpoints": 2,
  "@ringrift/orchestrator": 3,
  "@ringrift/overview": 4,
  "@ringrift/health-server": 5,
  "@ringrift/node-agent": 5,
  "@ringrift/cli": 5,
  "@ringrift/e2e": 6,
  "@ringrift/bench": 7,
};

/** Packages that may reach less than their rank allows: the CLI asks servers over HTTP, and knocks at the mesh's door. */
export const narrowed: Readonly<Record<string, readonly string[]>> = {
  "@ringrift/cli": [
    "@ringrift/protocol",
    "@ringrift/config",
    "@ringrift/http-client",
    "@ringrift/mesh",
    "@ringrift/probes",
    "@ringrift/program",
  ],
};

const scope = "@ringrift/";
const pureMark = "// core: pure";

const impureNames: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /(?<![\w$.])Date\.now\b/g, instead: "take `now` as an argument" },
  { pattern: /(?<![\w$.])new\s+Date\s*(?:\(\s*\)|(?![\w$\s(]))/g, instead: "take `now` as an argument" },
  { pattern: /(?<![\w$.])performance\s*\./g, instead: "take `now` as an argument" },
  { pattern: /(?<![\w$.])Math\.random\b/g, instead: "take a random source as an argument" },
  {
    pattern: /(?<![\w$.])crypto\s*\.\s*(?:randomUUID|getRandomValues)\b/g,
    instead: "take a random source as an argument",
  },
  {
    pattern: /(?<![\w$.])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g,
    instead: "return an effect and let the shell keep the timer",
  },
  { pattern: /(?<![\w$.])process\s*\./g, instead: "take the value as an argument" },
  { pattern: /(?<![\w$.])(?:fetch\s*\(|console\s*\.)/g, instead: "return an effect and let the shell do it" },
];

interface SourceFile {
  readonly path: string;
  readonly test: boolean;
  readonly pure: boolean;
  readonly scanned: ScannedSource;
}

/** Checks every package of the workspace at `root`; an empty list means that the floor plan holds. */
export function checkLayering(root: string): readonly Violation[] {
  const workspace = workspacePackages(root);
  const names = new Set(workspace.flatMap(({ manifest }) => publicNames(manifest)));
  return workspace
    .flatMap((item) => checkPackage(item, names))
    .map((violation) => ({ ...violation, file: relative(root, violation.file).split(sep).join("/") }));
}

function checkPackage(item: WorkspacePackage, names: ReadonlySet<string>): Violation[] {
  const manifestPath = join(item.directory, "package.json");
  const name = item.manifest.name;
  if (ranks[name] === undefined) {
    return [
      { file: manifestPath, line: 1, why: `${name} has no rank: add it to the table in scripts/layering.ts` },
    ];
  }
  const files = readSources(join(item.directory, "src"));
  return [
    ...checkManifest(item, manifestPath),
    ...files.flatMap((file) => checkImports(item, file, names)),
    ...checkPurity(files),
  ];
}

function checkManifest(item: WorkspacePackage, manifestPath: string): Violation[] {
  const text = readFileSync(manifestPath, "utf8");
  return Object.keys(allDependencies(item)).flatMap((dependency) => {
    const why = refusal(item.manifest.name, dependency);
    return why === null
      ? []
      : [{ file: manifestPath, line: lineAt(text, text.indexOf(`"${dependency}"`)), why }];
  });
}

/** Why `from` may not use `to`, or null when it may or when `to` is not ours. */
export function refusal(from: string, to: string): string | null {
  if (!to.startsWith(scope)) return null;
  const fromRank = ranks[from];
  const toRank = ranks[to];
  if (toRank === undefined || fromRank === undefined) return `${to} is not a package of the floor plan`;
  if (toRank >= fromRank)
    return `${from} (rank ${fromRank}) may not depend on ${to} (rank ${toRank}): arrows point down`;
  const allowed = narrowed[from];
  if (allowed !== undefined && !allowed.includes(to))
    return `${from} may depend only on ${allowed.join(", ")}`;
  return null;
}

function checkImports(item: WorkspacePackage, file: SourceFile, names: ReadonlySet<string>): Violation[] {
  const declared = file.test ? allDependencies(item) : runtimeDependencies(item);
  return file.scanned.imports.flatMap(({ specifier, line }) => {
    const why = refuseImport(item, file, specifier, declared, names);
    return why === null ? [] : [{ file: file.path, line, why }];
  });
}

function refuseImport(
  item: WorkspacePackage,
  file: SourceFile,
  specifier: string,
  declared: Readonly<Record<string, string>>,
  names: ReadonlySet<string>,
): string | null {
  if (specifier.startsWith(".")) {
    const target = resolve(dirname(file.path), specifier);
    return target.startsWith(item.directory + sep)
      ? null
      : `"${specifier}" leaves its package: import the package by name`;
  }
  if (!specifier.startsWith(scope)) return null;
  const name = specifier.split("/").slice(0, 2).join("/");
  if (name !== specifier && !names.has(specifier))
    return `"${specifier}" reaches inside ${name}: only its public names may be imported`;
  if (name === item.manifest.name) return `"${specifier}" is this package itself: import the file`;
  const refused = refusal(item.manifest.name, name);
  if (refused !== null) return refused;
  if (declared[name] === undefined) return `"${specifier}" is not declared in package.json`;
  return null;
}

// Purity spreads along runtime imports: a core that imports an impure file is not pure.
function checkPurity(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reachedFrom = new Map<string, string>();
  const queue = files.filter((file) => file.pure && !file.test).map((file) => ({ file, core: file.path }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { file, core } = next;
    if (reachedFrom.has(file.path)) continue;
    reachedFrom.set(file.path, file.pure ? file.path : core);
    for (const { specifier, typeOnly } of file.scanned.imports) {
      if (typeOnly || !specifier.startsWith(".")) continue;
      const target = byPath.get(resolve(dirname(file.path), specifier));
      if (target !== undefined) queue.push({ file: target, core: reachedFrom.get(file.path) ?? core });
    }
  }
  return [...reachedFrom].flatMap(([path, core]) => {
    const file = byPath.get(path);
    if (file === undefined) return [];
    const because = core === path ? "a core" : `imported by the core ${relative(dirname(path), core)}`;
    return impurities(file).map(({ line, what }) => ({
      file: path,
      line,
      why: `${what} (this file is ${because})`,
    }));
  });
}

function impurities(file: SourceFile): { line: number; what: string }[] {
  const { code, imports } = file.scanned;
  const nodeImports = imports
    .filter(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith("node:"))
    .map(({ specifier, line }) => ({ line, what: `"${specifier}" is I/O: it belongs in a shell` }));
  const names = impureNames.flatMap(({ pattern, instead }) =>
    [...code.matchAll(pattern)].map((match) => ({
      line: lineAt(code, match.index),
      what: `${match[0].replace(/[\s.(]+$/, "")} is not pure: ${instead}`,
    })),
  );
  return [...nodeImports, ...names];
}

function readSources(directory: string): SourceFile[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => {
      const source = readFileSync(join(directory, name), "utf8");
      const inCore = name.split(sep).slice(0, -1).includes("core");
      return {
        path: join(directory, name),
        test: /\.test[.-]/.test(name),
        pure: inCore || source.split("\n", 1)[0]?.trim() === pureMark,
        scanned: scanSource(source),
      };
    });
}

function runtimeDependencies({ manifest }: WorkspacePackage): Record<string, string> {
  const runtime = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  };
  // A private package is never installed by anyone, so its development dependencies are all it has.
  return manifest.private === true ? { ...runtime, ...manifest.devDependencies } : runtime;
}

function allDependencies(item: WorkspacePackage): Record<string, string> {
  return { ...runtimeDependencies(item), ...item.manifest.devDependencies };
}

if (import.meta.main) {
  const violations = checkLayering(repositoryRoot);
  for (const { file, line, why } of violations) console.error(`${file}:${line}: ${why}`);
  const count = workspacePackages(repositoryRoot).length;
  console.log(`layering: ${count} packages, ${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
