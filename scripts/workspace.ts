import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The fields of a package.json that the scripts read. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** One package of the workspace. */
export interface WorkspacePackage {
  /** Folder relative to the root, with forward slashes: `packages/mesh`. */
  readonly folder: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

/** The repository's root folder. */
export const repositoryRoot: string = join(import.meta.dirname, "..");

/** Every package of the workspace at `root`, in the order of their folders. */
export function workspacePackages(root: string): readonly WorkspacePackage[] {
  const folders = [...children(root, "packages"), ...children(root, "apps"), "e2e"];
  return folders
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => ({
      folder,
      directory: join(root, folder),
      manifest: readManifest(join(root, folder, "package.json")),
    }));
}

/** What an import of this package may name: the package, and each further entry that its `exports` declares. */
export function publicNames({ name, exports: entries }: Manifest): readonly string[] {
  return Object.keys(entries ?? {}).map((entry) => name + entry.slice(1));
}

/** Reads a package.json; throws when it has no name. */
export function readManifest(path: string): Manifest {
  const manifest: Manifest = JSON.parse(readFileSync(path, "utf8"));
  if (typeof manifest.name !== "string") throw new Error(`${path} has no name`);
  return manifest;
}

function children(root: string, parent: string): string[] {
  const directory = join(root, parent);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`)
    .sort();
}
