import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type WorkspacePackage, workspacePackages } from "./workspace.ts";

const execFileAsync = promisify(execFile);

/** A publishable package and the tarball that a registry would get. */
export interface PackedPackage extends WorkspacePackage {
  readonly tarball: string;
  /** Paths in the tarball, without its leading `package/`. */
  readonly files: readonly string[];
}

/** Packs every publishable package of `root` into `destination`, as `pnpm publish` would. */
export async function packAll(root: string, destination: string): Promise<readonly PackedPackage[]> {
  const publishable = workspacePackages(root).filter(({ manifest }) => manifest.private !== true);
  return mapBounded(publishable, 2, async (item) => {
    const stdout = await runPnpm(["pack", "--json", "--pack-destination", destination], item.directory);
    const packed: { filename: string; files: { path: string }[] } = JSON.parse(stdout);
    return { ...item, tarball: packed.filename, files: packed.files.map(({ path }) => path) };
  });
}

/** Calls `work` for each item, at most `limit` at once, and keeps the order. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift())
      results.set(item, await work(item));
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return items.flatMap((item) => {
    const result = results.get(item);
    return result === undefined ? [] : [result];
  });
}

/** Runs `work` with an empty temporary folder, which is gone afterwards. */
export async function withTemporaryFolder<Result>(
  name: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), `ringrift-${name}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function runPnpm(args: readonly string[], cwd: string): Promise<string> {
  // `npx pnpm@12` puts pnpm on the path of what it runs; a plain `node scripts/…` may have none.
  try {
    return (await execFileAsync("pnpm", args, { cwd })).stdout;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return (await execFileAsync("npx", ["-y", "pnpm@12", ...args], { cwd })).stdout;
  }
}
