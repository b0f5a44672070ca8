import { closeSync, openSync, readSync } from "node:fs";

/** Reused: for a file whose size reads as 0, as all of /proc, `readFileSync` takes fresh buffers of 64 KiB at each call. */
const buffer = Buffer.allocUnsafe(16 * 1024);

/** The whole of a file in /proc or of a cgroup. @throws Error as `openSync` and `readSync` do */
export function readProcFile(path: string): string {
  const fd = openSync(path, "r");
  try {
    let text = "";
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) return text;
      text += buffer.toString("latin1", 0, count);
    }
  } finally {
    closeSync(fd);
  }
}
