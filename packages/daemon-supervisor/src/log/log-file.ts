import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errorText } from "@ringrift/protocol";

export interface LogFileLimits {
  /** Size at which a file is put aside for a new one. */
  readonly maxBytes: number;
  /** Files kept, the current one included. */
  readonly files: number;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

/** What waits to be written; beyond it lines are dropped and counted, so that a slow disk costs no memory. */
const maxQueueBytes = 1024 * 1024;
/** After a failure the disk is left alone for so long. */
const retryMs = 1_000;

/** Appends to a file in the background, bounded in memory and on disk, whatever the disk does. */
export class LogFile {
  readonly #path: string;
  #limits: LogFileLimits;
  readonly #onProblem: (text: string) => void;
  #queue: Block[] = [];
  #queuedBytes = 0;
  #handle: FileHandle | null = null;
  #size = 0;
  #draining: Promise<void> | null = null;
  #retryAt = 0;
  #problem: string | null = null;
  #droppedLines = 0;

  constructor(path: string, limits: LogFileLimits, onProblem: (text: string) => void) {
    this.#path = path;
    this.#limits = limits;
    this.#onProblem = onProblem;
  }

  /** Lines that never reached the disk. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Why nothing is written at present, null when all is well. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Holds from the next writing on. */
  limit(limits: LogFileLimits): void {
    this.#limits = limits;
  }

  append(bytes: Uint8Array, lines: number): void {
    if (this.#queuedBytes + bytes.length > maxQueueBytes || performance.now() < this.#retryAt) {
      this.#droppedLines += lines;
      return;
    }
    this.#queue.push({ bytes, lines });
    this.#queuedBytes += bytes.length;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null;
    });
  }

  /** Writes what waits, and closes the file until more is appended. */
  async close(): Promise<void> {
    await this.#draining;
    await this.#forget();
  }

  async #drain(): Promise<void> {
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      const bytes = batch.reduce((sum, block) => sum + block.bytes.length, 0);
      try {
        await this.#write(batch, bytes);
        this.#problem = null;
      } catch (error) {
        this.#droppedLines += batch.reduce((sum, { lines }) => sum + lines, 0);
        this.#retryAt = performance.now() + retryMs;
        await this.#forget();
        this.#tell(errorText(error));
      }
      this.#queuedBytes -= bytes;
    }
  }

  /** As many blocks as the current file still has room for, one at least. */
  #take(): Block[] {
    let bytes = this.#size;
    let count = 0;
    for (const block of this.#queue) {
      bytes += block.bytes.length;
      if (count > 0 && bytes > this.#limits.maxBytes) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #write(batch: readonly Block[], bytes: number): Promise<void> {
    const handle = await this.#current(bytes);
    let rest = Buffer.concat(batch.map((block) => block.bytes));
    while (rest.length > 0) {
      const { bytesWritten } = await handle.write(rest);
      this.#size += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  /** The file to append so many bytes to. */
  async #current(bytes: number): Promise<FileHandle> {
    // Into a file that was removed one could write for ever, and nobody would read it.
    if (this.#handle !== null && (await this.#handle.stat()).nlink === 0) {
      await this.#forget();
      this.#tell("it was removed, and is begun anew");
    }
    if (this.#handle !== null && this.#size > 0 && this.#size + bytes > this.#limits.maxBytes)
      await this.#rotate();
    if (this.#handle !== null) return this.#handle;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    this.#handle = await open(this.#path, "a", 0o600);
    this.#size = (await this.#handle.stat()).size;
    return this.#size > 0 && this.#size + bytes > this.#limits.maxBytes
      ? await this.#current(bytes)
      : this.#handle;
  }

  async #rotate(): Promise<void> {
    await this.#forget();
    for (let age = this.#limits.files - 1; age > 0; age -= 1) {
      const younger = age === 1 ? this.#path : `${this.#path}.${age - 1}`;
      await rename(younger, `${this.#path}.${age}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
    if (this.#limits.files === 1) await (await open(this.#path, "w", 0o600)).close();
    await this.#removeOlder();
  }

  /** What is older than all that are kept: the limit may have been higher once. */
  async #removeOlder(): Promise<void> {
    for (let age = this.#limits.files; ; age += 1) {
      try {
        await rm(`${this.#path}.${age}`);
      } catch {
        return;
      }
    }
  }

  async #forget(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    this.#size = 0;
    await handle?.close().catch(() => undefined);
  }

  #tell(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#onProblem(`log file ${this.#path}: ${problem}`);
  }
}

/** The last `maxBytes` of the file at `path`, from a line's beginning; empty when there is none. */
export function readTail(path: string, maxBytes: number): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const from = Math.max(0, fstatSync(fd).size - maxBytes);
    const bytes = Buffer.alloc(maxBytes);
    const text = bytes.subarray(0, readSync(fd, bytes, 0, maxBytes, from)).toString("utf8");
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } catch {
    return "";
  } finally {
    closeSync(fd);
  }
}
