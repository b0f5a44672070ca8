import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCount } from "./number-text.ts";

/** Environment variable by which all that a run started is known, whatever group or session it went to. */
export const runVariable = "RINGRIFT_PROGRAM_RUN";

const procRoot = "/proc";
/** A stray that forks while it is looked for shows in the next round; one in the middle of an exec does too. */
const maxRounds = 5;
const pauseMs = 20;

/** The number that the kernel gave out last; null off Linux. */
export function lastPid(): number | null {
  try {
    return parseCount(readFileSync(`${procRoot}/loadavg`, "utf8").trim().split(" ").at(-1));
  } catch {
    return null;
  }
}

/**
 * Kills what carries `token` and was born since `from`, which {@link lastPid} told before the run began. Only those born since
 * are looked at, so that the cost is that of listing the processes.
 */
export async function endStrays(token: string, from: number | null): Promise<void> {
  if (from === null) return;
  const mark = `${runVariable}=${token}`;
  for (let round = 0; round < maxRounds; round += 1) {
    if (round > 0) await sleep(pauseMs);
    const kinds = bornSince(from).map((pid) => ({ pid, kind: kindOf(pid, mark) }));
    const strays = kinds.filter(({ kind }) => kind === "stray");
    for (const { pid } of strays) kill(pid);
    if (strays.length === 0 && !kinds.some(({ kind }) => kind === "between")) return;
  }
}

/** Numbers are given out in ascending order and begin anew at their end. */
function bornSince(from: number): number[] {
  const last = lastPid();
  if (last === null) return [];
  const pids = listPids();
  const isBetween = (pid: number): boolean =>
    last >= from ? pid > from && pid <= last : pid > from || pid <= last;
  return pids.filter((pid) => pid !== process.pid && isBetween(pid));
}

function listPids(): number[] {
  try {
    return readdirSync(procRoot).map(Number).filter(Number.isInteger);
  } catch {
    // No descriptor is left to look with.
    return [];
  }
}

function kindOf(pid: number, mark: string): "stray" | "between" | "other" {
  try {
    const environment = readFileSync(`${procRoot}/${pid}/environ`, "latin1");
    if (environment === "") return isProgram(pid) ? "between" : "other";
    return environment.split("\0").includes(mark) ? "stray" : "other";
  } catch {
    // It has ended, or belongs to another user.
    return "other";
  }
}

/** Threads of the kernel (children of 2) and zombies have no environment for good. */
function isProgram(pid: number): boolean {
  const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`${procRoot}/${pid}/stat`, "latin1")) ?? [];
  return state !== "Z" && state !== "X" && parent !== "2" && parent !== "0";
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
