import { spawnSync } from "node:child_process";
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { RingRiftError } from "@ringrift/protocol";
import { readProcFile } from "../process/proc-file.ts";
import { listPids, lookUp, type ProcessStat } from "../process/process-stat.ts";

/** Makes the named pipes that are not there yet. @throws RingRiftError `STATE_UNUSABLE` */
export function makeFifos(paths: readonly string[]): void {
  const missing = paths.filter((path) => !isFifo(path));
  if (missing.length === 0) return;
  for (const path of missing) rmSync(path, { force: true });
  const { error, status, stderr } = spawnSync("mkfifo", ["-m", "600", "--", ...missing]);
  if (error === undefined && status === 0) return;
  throw new RingRiftError(
    `Cannot make the named pipe ${missing[0]}: ${error?.message ?? stderr.toString().trim()}`,
    {
      code: "STATE_UNUSABLE",
      nextStep:
        "Keep the state directory on a local file system, and install the program mkfifo (coreutils).",
    },
  );
}

/** The end for a child. Being a reader too, it never breaks: whoever reads may die and come back. */
export function openChildEnd(path: string): number {
  return openSync(path, constants.O_RDWR);
}

/** Our end; it ends when nobody holds the pipe's other end any more. */
export function openReader(path: string): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** True while any process holds a child's end of the pipe, or reads it. */
export function isHeld(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    return !(
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENXIO" || error.code === "ENOENT")
    );
  }
}

/** The processes that hold a child's end of the pipe. */
export function fifoHolders(path: string): ProcessStat[] {
  return listPids().flatMap((pid) => {
    const stat = pid !== process.pid && holds(pid, path) ? lookUp(pid) : null;
    return stat === null ? [] : [stat];
  });
}

/** Our end of a pipe that was made at `path` and is found at descriptor `fd` of one of `pids`; null when none holds it. */
export function openHeld(pids: readonly number[], fd: number, path: string): Socket | null {
  for (const pid of pids) {
    const link = `/proc/${pid}/fd/${fd}`;
    try {
      // A pipe without its name reads as "PATH (deleted)".
      if (readlinkSync(link).startsWith(path) && isChildEnd(pid, String(fd))) return openReader(link);
    } catch {
      // It has ended, or closed that descriptor.
    }
  }
  return null;
}

function holds(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path && isChildEnd(pid, fd),
    );
  } catch {
    return false;
  }
}

/** Somebody who only looks at the pipe is no part of the daemon. */
function isChildEnd(pid: number, fd: string): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readProcFile(`/proc/${pid}/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) === constants.O_RDWR;
}

function isFifo(path: string): boolean {
  try {
    return lstatSync(path).isFIFO();
  } catch {
    return false;
  }
}
