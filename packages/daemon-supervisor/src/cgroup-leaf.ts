import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const prefix = "ringrift-";

/** The cgroup of version 2 that a process is in, as a folder; null where there is none. */
function cgroupOf(pid: number | "self"): string | null {
  try {
    const own = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
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

  /** Puts `pid` into a new leaf below our own cgroup; null where we may not. */
  static around(pid: number, name: string): CgroupLeaf | null {
    const parent = cgroupOf("self");
    if (parent === null) return null;
    const leaf = new CgroupLeaf(join(parent, prefix + name));
    try {
      mkdirSync(leaf.#folder, { recursive: true });
      // Older kernels lack it, and without it nothing is gained over the marker.
      if (!readdirSync(leaf.#folder).includes("cgroup.kill")) throw new Error("no cgroup.kill");
      leaf.add(pid);
      return leaf;
    } catch {
      leaf.remove();
      return null;
    }
  }

  /** The leaf that an earlier supervisor made where we would make it; null when there is none. */
  static named(name: string): CgroupLeaf | null {
    const parent = cgroupOf("self");
    const leaf = parent === null ? null : new CgroupLeaf(join(parent, prefix + name));
    return leaf !== null && existsSync(leaf.#folder) ? leaf : null;
  }

  /** The leaf that `pid` was put into by an earlier supervisor. */
  static of(pid: number): CgroupLeaf | null {
    const folder = cgroupOf(pid);
    return folder !== null && basename(folder).startsWith(prefix) ? new CgroupLeaf(folder) : null;
  }

  /** @throws Error when the process is gone or the kernel refuses */
  add(pid: number): void {
    writeFileSync(join(this.#folder, "cgroup.procs"), String(pid));
  }

  pids(): number[] {
    try {
      return readFileSync(join(this.#folder, "cgroup.procs"), "latin1")
        .split("\n")
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  }

  /** False only when the kernel says that nothing runs in it. */
  get populated(): boolean {
    try {
      return !readFileSync(join(this.#folder, "cgroup.events"), "latin1").includes("populated 0");
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
