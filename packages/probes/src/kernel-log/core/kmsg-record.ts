import { parseCount } from "../../number-text.ts";

/** A record as `/dev/kmsg` gives it, one a read. */
export interface KmsgRecord {
  readonly sequence: number;
  /** Microseconds of the kernel's clock since boot. */
  readonly microseconds: number;
  readonly message: string;
}

const shape = /^(\d{1,10}),(\d{1,19}),(\d{1,19}),[^;\n]*;([^\n]*)/;

/** Reads `priority,sequence,microseconds,flags;message`, followed by lines of properties; null for anything else. */
export function parseKmsgRecord(text: string): KmsgRecord | null {
  const match = shape.exec(text);
  const sequence = parseCount(match?.[2]);
  const microseconds = parseCount(match?.[3]);
  if (match === null || sequence === null || microseconds === null) return null;
  return { sequence, microseconds, message: plainText(match[4] ?? "") };
}

/** The kernel writes unprintable bytes as `\x0a`. */
function plainText(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
