import { type LinePiece, LineSplitter } from "./line-splitter.ts";
import { LogFile, type LogFileLimits, readTail } from "./log-file.ts";
import { logBlock, parseLogLine } from "./log-format.ts";
import { type LogLine, LogRing, type LogStream } from "./log-ring.ts";

export interface DaemonLogLimits extends LogFileLimits {
  /** Longer lines come in pieces. */
  readonly lineBytes: number;
  /** Lines kept in memory. */
  readonly ringLines: number;
}

/** So much of an earlier supervisor's file is read back. */
const tailBytes = 64 * 1024;

/** What a daemon writes: its last lines in memory, and, given a path, all of them in files. */
export class DaemonLog {
  readonly #ring: LogRing;
  readonly #file: LogFile | null;
  readonly #splitters: Readonly<Record<LogStream, LineSplitter>>;
  readonly #wallMs: () => number;
  readonly #followers = new Set<(line: LogLine) => void>();

  constructor(
    limits: DaemonLogLimits,
    wallMs: () => number,
    file: { readonly path: string; readonly onProblem: (text: string) => void } | null,
  ) {
    this.#ring = new LogRing(limits.ringLines);
    this.#wallMs = wallMs;
    this.#splitters = {
      stdout: new LineSplitter(limits.lineBytes),
      stderr: new LineSplitter(limits.lineBytes),
    };
    this.#file = file === null ? null : new LogFile(file.path, limits, file.onProblem);
    if (file !== null) this.#recall(file.path);
  }

  /** Changes the limits under a daemon that runs. */
  limit(limits: DaemonLogLimits): void {
    this.#ring.limit(limits.ringLines);
    for (const splitter of Object.values(this.#splitters)) splitter.limit(limits.lineBytes);
    this.#file?.limit(limits);
  }

  /** Tells of each line from now on, until the returned function is called. */
  follow(follower: (line: LogLine) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Takes a chunk as it came from the pipe. */
  write(stream: LogStream, chunk: Uint8Array): void {
    this.#keep(stream, this.#splitters[stream].push(chunk));
  }

  /** The process has ended: what was written without a newline is a line too. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) this.#keep(stream, this.#splitters[stream].flush());
  }

  /** Writes what waits for the disk. */
  async close(): Promise<void> {
    await this.#file?.close();
  }

  snapshot(): DaemonLogs {
    return {
      ...this.#ring.snapshot(),
      droppedOnDisk: this.#file?.droppedLines ?? 0,
      problem: this.#file?.problem ?? null,
    };
  }

  /** The last non-empty line of stderr, or of stdout: most often why it died. */
  lastWords(): string {
    return this.#ring.lastWords();
  }

  #keep(stream: LogStream, pieces: readonly LinePiece[]): void {
    if (pieces.length === 0) return;
    const timeMs = this.#wallMs();
    for (const { bytes, partial } of pieces) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
      const line: LogLine = partial ? { stream, text, timeMs, partial } : { stream, text, timeMs };
      this.#ring.push(line);
      for (const follower of this.#followers) follower(line);
    }
    this.#file?.append(logBlock(stream, pieces, timeMs), pieces.length);
  }

  /** What was written under an earlier supervisor. */
  #recall(path: string): void {
    for (const text of [`${path}.1`, path].flatMap((file) => readTail(file, tailBytes).split("\n"))) {
      const line = parseLogLine(text);
      if (line !== null) this.#ring.push(line);
    }
  }
}

export interface DaemonLogs {
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  /** Lines that are no longer in memory. */
  readonly dropped: number;
  /** Lines that never reached the log file. */
  readonly droppedOnDisk: number;
  /** Why the log file takes nothing at present. */
  readonly problem: string | null;
}
