import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { chooseProcesses, type KnownProcess, nextKnown } from "./process-table.ts";
import { judgeProcesses, parseProcessState } from "./processes.ts";

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/proc/${path}`, import.meta.url)), "utf8");

describe("processes", () => {
  const known = (pid: number, fields: Partial<KnownProcess> = {}): KnownProcess => ({
    pid,
    name: "x",
    letter: "S",
    startTicks: 1,
    blockedRuns: 0,
    command: "",
    ...fields,
  });
  const table = (...processes: KnownProcess[]) => new Map(processes.map((each) => [each.pid, each]));

  it("reads names with blanks and brackets", () => {
    expect(parseProcessState(text("2/stat"))).toEqual({
      pid: 2,
      name: "train (rank 0) x",
      letter: "D",
      startTicks: 77,
    });
  });

  it("calls a process stuck only when two runs in a row see it in uninterruptible sleep", () => {
    const blocked = { pid: 7, name: "x", letter: "D", startTicks: 1 };
    const once = nextKnown(undefined, blocked);
    expect(judgeProcesses(table(once), []).state).toBe("healthy");
    expect(judgeProcesses(table(nextKnown(once, blocked)), []).state).toBe("degraded");
    const successor = nextKnown(once, { ...blocked, startTicks: 2 });
    expect(judgeProcesses(table(successor), []).state).toBe("healthy");
  });

  it("is degraded by many zombies and unhealthy when an expected process is missing", () => {
    const zombies = Array.from({ length: 50 }, (_, pid) => known(pid, { letter: "Z", command: null }));
    expect(judgeProcesses(table(...zombies.slice(1)), []).state).toBe("healthy");
    expect(judgeProcesses(table(...zombies), []).state).toBe("degraded");
    expect(judgeProcesses(table(known(1)), ["train.py"])).toMatchObject({
      state: "unhealthy",
      reason: 'no process matches "train.py"',
    });
  });

  it("does not take a zombie for the trainer it was", () => {
    const dead = known(1, { letter: "Z", command: "python train.py" });
    expect(judgeProcesses(table(dead), ["train.py"]).state).toBe("unhealthy");
  });

  it("is unknown, not unhealthy, when a process that was not readable may be the missing one", () => {
    expect(judgeProcesses(table(known(1, { command: null })), ["train.py"]).state).toBe("unknown");
  });

  it("reads new and suspect processes in every run and all others within sixteen", () => {
    const pids = Array.from({ length: 400 }, (_, index) => index + 1);
    const everyone = table(...pids.map((pid) => known(pid, pid === 399 ? { letter: "D" } : {})));
    const read = new Map<number, number>();
    let after = 0;
    for (let run = 0; run < 16; run += 1) {
      const chosen = chooseProcesses([...pids, 1000], everyone, after, ({ pid }) => pid === 300);
      after = chosen.after;
      for (const pid of chosen.chosen) read.set(pid, (read.get(pid) ?? 0) + 1);
    }
    expect([read.get(399), read.get(1000), read.get(300)]).toEqual([16, 16, 16]);
    expect(pids.every((pid) => read.has(pid))).toBe(true);
    expect(read.get(5)).toBeLessThan(3);
  });
});
