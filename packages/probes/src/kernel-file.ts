import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { errorText } from "@ringrift/protocol";
import { ProbeError } from "./probe-error.ts";

/** Larger than any real file of procfs or sysfs that a probe reads; the rest of a longer one is refused. */
const maxFileBytes = 1024 * 1024;

/** One buffer for all reads: they end before the next one starts, and a kernel file rarely fills it. */
const buffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Text of one file of procfs or sysfs that the kernel answers from memory; null where it does not offer it (no such
 * file, or not supported). Read in place: handing such a short read to a thread costs ten times as much.
 * @throws ProbeError `PROBE_UNREADABLE` for any other failure, such as a missing permission.
 */
export async function readKernelFile(path: string, signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  return untraced(path, () => readOpen(path, false));
}

/**
 * As `readKernelFile`, at once, for a file that the kernel writes as one record: one read gives all of it, so that nobody
 * need ask whether more follows.
 */
export function readKernelRecord(path: string): string | null {
  return untraced(path, () => readOpen(path, true));
}

function readOpen(path: string, isRecord: boolean): string {
  const file = openSync(path, "r");
  try {
    const first = readSync(file, buffer, 0, buffer.length, null);
    const text = buffer.toString("utf8", 0, first);
    if (first === 0 || (isRecord && first < buffer.length)) return text;
    const second = readSync(file, buffer, 0, buffer.length, null);
    return second === 0 ? text : readRest(file, path, text, second);
  } finally {
    closeSync(file);
  }
}

/** Null where there is no such file. That comes as an error, and to note where it was thrown costs more than the read. */
function untraced<T>(path: string, read: () => T): T | null {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return read();
  } catch (error) {
    Error.stackTraceLimit = stackTraceLimit;
    return absentOr(error, path);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Kernel files end at a line's end where a read does, so that no letter is cut in two. */
function readRest(file: number, path: string, start: string, size: number): string {
  let text = start;
  for (let read = size; read > 0; read = readSync(file, buffer, 0, buffer.length, null)) {
    text += buffer.toString("utf8", 0, read);
    if (text.length > maxFileBytes) throw tooLong(path);
  }
  return text;
}

/** As `readKernelFile`, for a file whose read may wait for a device or another process: it waits in a thread. */
export async function readWaitingFile(path: string, signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  try {
    const file = await open(path, "r");
    try {
      const chunk = Buffer.allocUnsafe(4096);
      let text = "";
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
        if (bytesRead === 0) return text;
        text += chunk.toString("utf8", 0, bytesRead);
        if (text.length > maxFileBytes) throw tooLong(path);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    return absentOr(error, path);
  }
}

function tooLong(path: string): ProbeError {
  return new ProbeError(
    "PROBE_BAD_INPUT",
    `${path} is longer than ${maxFileBytes} bytes.`,
    "Check that procRoot and sysRoot name real procfs and sysfs trees.",
  );
}

function absentOr(error: unknown, path: string): null {
  if (error instanceof ProbeError) throw error;
  if (isAbsent(error)) return null;
  throw unreadable(path, error);
}

/** As `readKernelFile`, for a file without which the probe has no answer. */
export async function requireKernelFile(path: string, signal: AbortSignal): Promise<string> {
  const text = await readKernelFile(path, signal);
  if (text !== null) return text;
  throw new ProbeError(
    "PROBE_UNREADABLE",
    `${path} does not exist, so there is nothing to judge.`,
    "This probe needs Linux with procfs; in a container mount the host's /proc and name it as procRoot.",
  );
}

/** Names in a folder of procfs or sysfs, in the order of their letters; null where there is no such folder. */
export async function listKernelFolder(path: string, signal: AbortSignal): Promise<string[] | null> {
  signal.throwIfAborted();
  return untraced(path, () => readdirSync(path));
}

// ESRCH: the process ended between the listing and the read. EOPNOTSUPP: built in but switched off, as PSI may be.
const absentCodes: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ESRCH", "EOPNOTSUPP", "ENODEV"]);

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && absentCodes.has(error.code);
}

function unreadable(path: string, error: unknown): ProbeError {
  return new ProbeError(
    "PROBE_UNREADABLE",
    `${path} could not be read: ${errorText(error)}.`,
    "Check the permissions of the user that runs the agent.",
    error,
  );
}
