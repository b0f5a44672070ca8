import { parseCount } from "../../number-text.ts";
import type { KernelLine } from "./kernel-line.ts";

/** Reads one line of `journalctl -o json`; null when it is no entry of the kernel with a message and a cursor. */
export function parseJournalEntry(line: string): KernelLine | null {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof entry !== "object" || entry === null) return null;
  const fields = new Map(Object.entries(entry));
  const text = messageText(fields.get("MESSAGE"));
  const message = text === null ? null : `${identifierOf(fields)}${text}`;
  const position = fields.get("__CURSOR");
  const bootId = fields.get("_BOOT_ID");
  if (message === null || typeof position !== "string" || typeof bootId !== "string") return null;
  const stamp = fields.get("_SOURCE_REALTIME_TIMESTAMP") ?? fields.get("__REALTIME_TIMESTAMP");
  const microseconds = typeof stamp === "string" ? parseCount(stamp) : null;
  return {
    position,
    bootId: dashed(bootId),
    at: microseconds === null ? null : microseconds / 1e6,
    message,
  };
}

/** From lines that a process wrote to /dev/kmsg, the journal takes off what stands before the colon, as in `name[7]: text`. */
function identifierOf(fields: ReadonlyMap<string, unknown>): string {
  const identifier = fields.get("SYSLOG_IDENTIFIER");
  if (typeof identifier !== "string" || identifier === "kernel") return "";
  const pid = fields.get("SYSLOG_PID");
  return `${identifier}${typeof pid === "string" ? `[${pid}]` : ""}: `;
}

/** The journal writes a message that is not plain text as a list of bytes. */
function messageText(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || !value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    return null;
  return new TextDecoder().decode(Uint8Array.from(value as number[]));
}

/** The journal writes boot ids without dashes, the kernel with them. */
function dashed(bootId: string): string {
  return bootId
    .toLowerCase()
    .replace(/^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/, "$1-$2-$3-$4-$5");
}
