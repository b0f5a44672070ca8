import { readdirSync, readFileSync } from "node:fs";
import { type ProcessRow, ProcessTree, parseProcessStat } from "./process-tree.ts";
import type { ResourceUse } from "./resource-use.ts";

/** Linux tells user space of CPU time in hundredths of a second, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/** Samples what daemons use: one look at /proc for all of them. */
export class ResourceSampler {
  readonly #nowMs: () => number;
  readonly #pageBytes: number = pageBytes();
  #before: { readonly table: ProcessTree; readonly at: number } | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Of each root's tree of processes; one that is gone is left out, and all are where there is no /proc. */
  sample(roots: readonly number[]): ReadonlyMap<number, ResourceUse> {
    const table = new ProcessTree(readProcesses());
    const at = this.#nowMs();
    const before = this.#before;
    this.#before = { table, at };
    const uses = new Map<number, ResourceUse>();
    for (const root of roots) {
      const tree = table.treeOf(root);
      if (tree.length === 0) continue;
      const pages = tree.reduce((sum, row) => sum + row.residentPages, 0);
      uses.set(root, {
        memoryBytes: pages * this.#pageBytes,
        cpuCores: before === null ? null : cores(tree, before.table, (at - before.at) / 1000),
      });
    }
    return uses;
  }
}

/** Of a process that was not there before, all its time is new. */
function cores(tree: readonly ProcessRow[], before: ProcessTree, seconds: number): number | null {
  if (seconds <= 0) return null;
  let ticks = 0;
  for (const row of tree) {
    const old = before.get(row.pid);
    ticks += row.cpuTicks - (old?.startTicks === row.startTicks ? old.cpuTicks : 0);
  }
  return Math.max(0, ticks / ticksPerSecond / seconds);
}

function* readProcesses(): Generator<ProcessRow> {
  let entries: string[] = [];
  try {
    entries = readdirSync("/proc");
  } catch {
    return;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const row = parseProcessStat(readFileSync(`/proc/${entry}/stat`, "latin1"));
      if (row !== null) yield row;
    } catch {
      // It ended between the listing and the look.
    }
  }
}

/** The kernel's page size, AT_PAGESZ of the auxiliary vector; 64 KiB on some ARM hosts. */
function pageBytes(): number {
  const pageSizeKey = 6n;
  try {
    const vector = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === pageSizeKey) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Without /proc there is nothing to multiply either.
  }
  return 4096;
}
