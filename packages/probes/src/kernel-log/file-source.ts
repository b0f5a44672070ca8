import { type FileHandle, open, stat } from "node:fs/promises";
import { errorText } from "@ringrift/protocol";
import type { KernelLine } from "./core/kernel-line.ts";
import { parseTextLine } from "./core/text-line.ts";
import type { KernelLogSource, SourceOptions, SourceRead } from "./source.ts";

const maxBytesPerRead = 1024 * 1024;
/** How far back the first read of a file goes. */
const backlogBytes = 1024 * 1024;
const maxLineBytes = 64 * 1024;
/** Slack between the clock of the boot and that of the log's writer. */
const bootSlackSeconds = 120;
const newline = 0x0a;

/**
 * Follows a plain file such as `/var/log/kern.log`, over rotation and truncation. Lines that say that they are older than this
 * boot are passed over: they are not of it.
 */
export function createFileSource(path: string, options: SourceOptions): KernelLogSource {
  const { bootId, clock } = options;
  const saved = options.cursor?.source === "file" ? positionOf(options.cursor.position) : null;
  let file: { readonly handle: FileHandle; readonly inode: number } | null = null;
  let offset = 0;

  async function openFile(): Promise<void> {
    const handle = await open(path, "r");
    // One that is left to the garbage collector would end the process.
    const { ino, size } = await handle.stat().catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    const known = file === null && saved?.inode === ino && saved.offset <= size;
    // A file that takes the place of one that was read is new from its first line on.
    const start = file === null && saved === null ? Math.max(0, size - backlogBytes) : 0;
    await file?.handle.close();
    file = { handle, inode: ino };
    offset = known ? saved.offset : start;
  }

  async function readLines(): Promise<{ lines: KernelLine[]; lost: number }> {
    if (file === null) return { lines: [], lost: 0 };
    const { handle, inode } = file;
    const { size } = await handle.stat();
    if (size < offset) offset = 0;
    const buffer = Buffer.allocUnsafe(Math.min(maxBytesPerRead, size - offset));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    const lines: KernelLine[] = [];
    let lost = 0;
    let from = 0;
    for (;;) {
      const end = buffer.subarray(0, bytesRead).indexOf(newline, from);
      if (end < 0) break;
      const line = kernelLine(buffer.toString("utf8", from, Math.min(end, from + maxLineBytes)), inode, from);
      if (line !== null) lines.push(line);
      from = end + 1;
    }
    // Half a line waits for its end, unless it is none.
    if (bytesRead - from >= maxLineBytes) {
      from = bytesRead;
      lost += 1;
    }
    offset += from;
    return { lines, lost };
  }

  function kernelLine(text: string, inode: number, from: number): KernelLine | null {
    const now = clock();
    const { at, message } = parseTextLine(text.replace(/\r$/, ""), now);
    if (at !== null && at < now.wall - now.monotonic - bootSlackSeconds) return null;
    return { position: `${inode}:${offset + from}`, bootId, at, message };
  }

  return {
    read: async (): Promise<SourceRead> => {
      try {
        if (file === null) await openFile();
        let found = await readLines();
        if (found.lines.length === 0 && (await stat(path)).ino !== file?.inode) {
          await openFile();
          found = await readLines();
        }
        const position = `${file?.inode ?? 0}:${offset}`;
        return { ...found, cursor: { source: "file", bootId, position }, problem: null };
      } catch (error) {
        const reason = `${path} can't be read: ${errorText(error)}`;
        const action = "Check the path in RINGRIFT_KMSG and that the agent's user may read the file.";
        return { lines: [], lost: 0, cursor: null, problem: { reason, action, absent: false } };
      }
    },
    close: () => {
      const closing = file?.handle.close();
      closing?.catch(() => {});
      file = null;
    },
  };
}

function positionOf(text: string): { readonly inode: number; readonly offset: number } | null {
  const match = /^(\d{1,15}):(\d{1,15})$/.exec(text);
  return match === null ? null : { inode: Number(match[1]), offset: Number(match[2]) };
}
