import { readdirSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";

/** Members of a process group that still run; zombies hold nothing and do not count. */
export function groupMembers(groupId: number): number[] {
  // One system call answers the common case; only a group that exists is worth reading all of /proc.
  if (!signalGroup(groupId, 0)) return [];
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  } catch {
    entries = [];
  }
  // Without /proc only the group as a whole can be asked for.
  if (entries.length === 0) return [groupId];
  return entries.map(Number).filter((pid) => isMember(pid, groupId));
}

function isMember(pid: number, groupId: number): boolean {
  try {
    const stat = readProcFile(`/proc/${pid}/stat`);
    // The program's name is in parentheses and may itself hold spaces and parentheses.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(group) === groupId && state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Sends a signal to every process of the group; false when there is none left. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    // EPERM: members exist that we may not signal, so the group is not gone.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** How long a killed process may take to vanish before it is called stuck. */
const killWaitMs = 3_000;
const firstPollMs = 10;
const longestPollMs = 200;

/**
 * Ends a group: the polite signal (and SIGCONT, since a stopped process cannot obey), the grace, then SIGKILL.
 * Returns the members that outlived SIGKILL: none when it is gone.
 */
export async function endGroup(
  groupId: number,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<readonly number[]> {
  if (groupMembers(groupId).length === 0) return [];
  signalGroup(groupId, signal);
  signalGroup(groupId, "SIGCONT");
  if (await emptyWithin(groupId, graceMs)) return [];
  signalGroup(groupId, "SIGKILL");
  await emptyWithin(groupId, killWaitMs);
  return groupMembers(groupId);
}

async function emptyWithin(groupId: number, waitMs: number): Promise<boolean> {
  let pollMs = firstPollMs;
  for (let left = waitMs; left > 0; pollMs = Math.min(pollMs * 2, longestPollMs)) {
    if (groupMembers(groupId).length === 0) return true;
    const pauseMs = Math.min(pollMs, left);
    left -= pauseMs;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return groupMembers(groupId).length === 0;
}
