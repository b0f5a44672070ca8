import { describe, expect, it } from "vitest";
import { ProcessTree, parseProcessStat } from "./process-tree.ts";

const stat = (pid: number, name: string, parent: number, group: number, session: number): string =>
  `${pid} (${name}) S ${parent} ${group} ${session} 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 1 0 5000 1000000 250 18446744073709551615 1 1 0\n`;

function rowOf(
  pid: number,
  parent: number,
  group = pid,
  session = group,
): NonNullable<ReturnType<typeof parseProcessStat>> {
  const row = parseProcessStat(stat(pid, "x", parent, group, session));
  if (row === null) throw new Error("not a stat line");
  return row;
}

describe("a stat line", () => {
  it("is read whatever the program calls itself", () => {
    expect(parseProcessStat(stat(42, "a) S 1 (b", 7, 40, 39))).toEqual({
      pid: 42,
      parent: 7,
      group: 40,
      session: 39,
      startTicks: 5000,
      cpuTicks: 42,
      residentPages: 250,
    });
  });

  it("that is cut short or something else is none", () => {
    expect(parseProcessStat("42 (a) S 1 2")).toBe(null);
    expect(parseProcessStat("")).toBe(null);
  });
});

describe("a daemon's tree", () => {
  it("holds its group, its session and all their descendants, and nobody else", () => {
    const table = new ProcessTree([
      rowOf(1, 0),
      rowOf(10, 1),
      rowOf(11, 10, 10),
      // Orphaned, but still of its group.
      rowOf(12, 1, 10),
      // Its own group within the session, and a child that left for a session of its own.
      rowOf(13, 1, 13, 10),
      rowOf(14, 13),
      rowOf(20, 1),
    ]);
    const pids = table.treeOf(10).map((row) => row.pid);
    expect(pids.toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14]);
    expect(table.treeOf(99)).toEqual([]);
  });
});
