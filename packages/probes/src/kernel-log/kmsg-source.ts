import { closeSync, constants, openSync, readSync } from "node:fs";
import { errorText } from "@ringrift/protocol";
import { type KernelLine, wallTime } from "./core/kernel-line.ts";
import { parseKmsgRecord } from "./core/kmsg-record.ts";
import type { KernelLogSource, SourceOptions, SourceProblem, SourceRead } from "./source.ts";

/** The kernel gives one record a read, and none longer than this. */
const recordBytes = 16_384;
/** Some milliseconds of work; a kernel that writes more loses lines in the end, and they are counted. */
const maxRecords = 2000;

/**
 * Reads `/dev/kmsg`. It is asked without waiting, since a waiting read would hold one of the four threads that all file
 * access of the process shares; asking when there is nothing costs about 9 µs.
 */
export function createKmsgSource(path: string, options: SourceOptions): KernelLogSource {
  const { bootId, cursor, clock } = options;
  const buffer = Buffer.allocUnsafe(recordBytes);
  let file: number | null = null;
  let last = cursor?.source === "kmsg" && cursor.bootId === bootId ? Number(cursor.position) : null;

  function readAll(open: number): SourceRead {
    const lines: KernelLine[] = [];
    let lost = 0;
    let newest: number | null = null;
    let more = true;
    for (let count = 0; count < maxRecords && more; count += 1) {
      const text = readRecord(open, buffer);
      more = text !== null;
      const record = text === null ? null : parseKmsgRecord(text);
      if (record === null) continue;
      newest = record.sequence;
      if (last !== null && record.sequence <= last) continue;
      if (last !== null) lost += record.sequence - last - 1;
      last = record.sequence;
      lines.push({
        position: String(record.sequence),
        bootId,
        at: wallTime(record.microseconds / 1e6, clock()),
        message: record.message,
      });
    }
    // A virtual machine that was put back to a snapshot counts from an earlier number in the same boot.
    if (!more && newest !== null && last !== null && newest < last) {
      last = null;
      close();
    }
    return { lines, lost, cursor: cursorNow(), problem: null };
  }

  function cursorNow(): SourceRead["cursor"] {
    return last === null ? null : { source: "kmsg", bootId, position: String(last) };
  }

  function close(): void {
    if (file !== null) closeSync(file);
    file = null;
  }

  return {
    read: async () => {
      try {
        file ??= openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        return readAll(file);
      } catch (error) {
        close();
        return { lines: [], lost: 0, cursor: cursorNow(), problem: problemOf(path, error) };
      }
    },
    close,
  };
}

/** The next record; null when there is none yet. An overwritten place (EPIPE) shows as a gap in the numbers. */
function readRecord(file: number, buffer: Buffer): string | null {
  // "None yet" comes as an error, twice a second; to note where it was thrown would cost more than the read.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, null));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EAGAIN") return null;
    if (code === "EPIPE") return "";
    throw error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function problemOf(path: string, error: unknown): SourceProblem {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const denied = code === "EPERM" || code === "EACCES";
  return {
    reason: denied ? `${path} may not be read by this user` : `${path} can't be read: ${errorText(error)}`,
    action: denied
      ? "Give the agent CAP_SYSLOG, or add its user to the group systemd-journal and set RINGRIFT_KMSG to journald, or name a log file that it may read."
      : "Set RINGRIFT_KMSG to journald or to a file with the kernel's log.",
    // A log that may not be read is there, and nobody knows what it says.
    absent: code === "ENOENT" || code === "ENXIO" || code === "ENODEV",
  };
}
