import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { readProcFile } from "./proc-file.ts";

const prefix = "ringrift-";

/** The cgroup of version 2 that a process is in, as a folder; null where there is none. */
function cgroupOf(pid: number | "self"): string | null {
  try {
    const own = /^0::(\/.*)$/m.exec(readProcFile(`/proc/${pid}/cgroup`))?.[1];
    const mounts = readProcFile("/proc/self/mountinfo").split("\n");
    const mount = mounts
      .map((line) => line.split(" "))
      .find((words) => words[words.indexOf("-") + 1] === "cgroup2");
    const [, , , root = "/", folder] = mount ?? [];
    // Outside what is mounted here, as in a container that sees only its own part.
    if (own === undefined || folder === undefined || own.includes("..")) return null;
    const inside = root !== "/" && own.startsWith(root) ? own.slice(root.length) : own;
    return join(folder, inside);
  } catch {
    return null;
  }
}

/** A cgroup of its own for one run: everything started in it stays in it, and all of it dies by one word. */
export class CgroupLeaf {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new leaf below our own cgroup, with nothing in it; null where we may not make one. */
  static make(name: string): CgroupLeaf | null {
    const parent = cgroupOf("self");
    if (parent === null) return null;
    const leaf = new CgroupLeaf(join(parent, prefix + name));
    try {
      mkdirSync(leaf.#folder, { recursive: true });
      // Older kernels lack it, and without it nothing is gained over the marker.
      if (existsSync(join(leaf.#folder, "cgroup.kill"))) return leaf;
    } catch {
      // Read-only, or not ours.
    }
    leaf.remove();
    return null;
  }

  /** The leaf that an earlier supervisor made where we would make it; null when there is none. */
  static named(name: string): CgroupLeaf | null {
    const parent = cgroupOf("self");
    const leaf = parent === null ? null : new CgroupLeaf(join(parent, prefix + name));
    return leaf !== null && existsSync(leaf.#folder) ? leaf : null;
  }

  /** Removes the leaves that an earlier supervisor left empty; `start` is what their names begin with. */
  static removeEmpty(start: string): void {
    const parent = cgroupOf("self");
    if (parent === null || !existsSync(parent)) return;
    for (const name of readdirSync(parent))
      if (name.startsWith(prefix + start)) new CgroupLeaf(join(parent, name)).remove();
  }

  /** The leaf that `pid` was put into by an earlier supervisor. */
  static of(pid: number): CgroupLeaf | null {
    const folder = cgroupOf(pid);
    return folder !== null && basename(folder).startsWith(prefix) ? new CgroupLeaf(folder) : null;
  }

  /** In the background, since the kernel may take milliseconds. False when the process is gone or the kernel refuses. */
  async add(pid: number): Promise<boolean> {
    return await writeFile(join(this.#folder, "cgroup.procs"), String(pid)).then(
      () => true,
      () => false,
    );
  }

  pids(): number[] {
    try {
      return readProcFile(join(this.#folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  /** False only when the kernel says that nothing runs in it. */
  get populated(): boolean {
    try {
      return !readProcFile(join(this.#folder, "cgroup.events")).includes("populated 0");
    } catch (error) {
      return !(error instanceof Error && "code" in error && error.code === "ENOENT");
    }
  }

  kill(): void {
    try {
      writeFileSync(join(this.#folder, "cgroup.kill"), "1");
    } catch {
      // What is left shows at the next look.
    }
  }

  /** Does nothing while processes are left in it. */
  remove(): void {
    try {
      rmdirSync(this.#folder);
    } catch {
      // Populated, or gone.
    }
  }
}
