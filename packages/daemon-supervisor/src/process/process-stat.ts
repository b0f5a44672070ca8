import { existsSync, readdirSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";

/** One process. Its pid alone may be given out again; pid and start together name it for as long as the host is up. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks from the host's boot to the process's start. */
  readonly startTicks: number;
  /** User and system time in hundredths of a second. */
  readonly cpuTicks: number;
  readonly residentPages: number;
  /** It has no environment and will get none; false in the middle of an exec, when the environment reads as empty too. */
  readonly isBare: boolean;
}

export const hasProcfs: boolean = existsSync("/proc/self/stat");

/** Pids of all processes, zombies included; empty where there is no procfs. @throws Error when there is no descriptor left to look with */
export function listPids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch (error) {
    if (isShortage(error)) throw error;
    return [];
  }
}

/** What cannot be looked at for want of descriptors or memory is not gone for that. */
function isShortage(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(EMFILE|ENFILE|ENOMEM)$/.test(String(error.code));
}

/**
 * Null when there is no such process, or only its zombie, which runs nothing and holds nothing.
 * @throws Error when there is no descriptor left to look with
 */
export function lookUp(pid: number): ProcessStat | null {
  try {
    return parseStat(pid, readProcFile(`/proc/${pid}/stat`));
  } catch (error) {
    if (isShortage(error)) throw error;
    return null;
  }
}

/** As `lookUp`, and null too when it cannot be told: for what may be missed. */
export function readStat(pid: number): ProcessStat | null {
  try {
    return lookUp(pid);
  } catch {
    return null;
  }
}

/** Still the same process, and alive; also while it cannot be told. */
export function isAlive({ pid, startTicks }: Pick<ProcessStat, "pid" | "startTicks">): boolean {
  try {
    return lookUp(pid)?.startTicks === startTicks;
  } catch {
    return true;
  }
}

/** Signals the process, and never one that has got its pid since. */
export function signalProcess(
  process_: Pick<ProcessStat, "pid" | "startTicks">,
  signal: NodeJS.Signals,
): void {
  if (!isAlive(process_)) return;
  try {
    process.kill(process_.pid, signal);
  } catch {
    // Gone meanwhile, or not ours to signal: the next look shows which.
  }
}

/** Flag of a process that has begun to exit. */
const exiting = 0x4;

function parseStat(pid: number, text: string): ProcessStat | null {
  // The program's name is in parentheses and may itself hold spaces and parentheses. See proc(5) for the fields.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent, group, session] = fields.slice(1, 4).map(Number);
  const startTicks = Number(fields[19]);
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  const residentPages = Number(fields[21]);
  // A leader that has ended while its other threads run also reads as a zombie, as hung drivers leave it.
  const isDead = fields[0] === "X" || (fields[0] === "Z" && Number(fields[17]) <= 1);
  if (isDead || parent === undefined || group === undefined || session === undefined) return null;
  const isEnding = fields[0] === "Z" || (Number(fields[6]) & exiting) !== 0;
  const isBare = isEnding || (fields[47] === fields[48] && fields[48] !== "0");
  return { pid, parent, group, session, startTicks, cpuTicks, residentPages, isBare };
}

let bootId: string | null = null;

/** Names this boot of the host: start ticks of another boot mean nothing. Empty where there is none. */
export function currentBootId(): string {
  try {
    bootId ??= readProcFile("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    bootId = "";
  }
  return bootId;
}
