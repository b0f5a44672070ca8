// core: pure

export interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

const maxLines = 500;
const maxLineLength = 4096;

/** The last 500 lines a daemon wrote, each at most 4096 characters; what fell out is counted. */
export class LogRing {
  #lines: LogLine[] = [];
  #partial: Record<LogLine["stream"], string> = { stdout: "", stderr: "" };
  #dropped = 0;
  #cut = 0;
  readonly #followers = new Set<(line: LogLine) => void>();

  /** Tells of each line from now on, until the returned function is called. */
  follow(follower: (line: LogLine) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Takes a chunk as it came from the pipe; lines may be split anywhere. */
  write(stream: LogLine["stream"], chunk: string): void {
    const pieces = (this.#partial[stream] + chunk).split("\n");
    this.#partial[stream] = this.#bounded(pieces.pop() ?? "");
    for (const piece of pieces) this.#push({ stream, text: this.#bounded(piece.replace(/\r$/, "")) });
  }

  /** The process has ended: what was written without a newline is a line too. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#partial[stream] !== "") this.#push({ stream, text: this.#partial[stream] });
      this.#partial[stream] = "";
    }
  }

  /** Oldest first, with the number of lines that fell out and the number of characters cut off long lines. */
  snapshot(): {
    readonly lines: readonly LogLine[];
    readonly dropped: number;
    readonly cutCharacters: number;
  } {
    return { lines: [...this.#lines], dropped: this.#dropped, cutCharacters: this.#cut };
  }

  /** The last non-empty line of stderr, or of stdout: most often why it died. */
  lastWords(): string {
    const spoken = (stream: string): LogLine | undefined =>
      this.#lines.findLast((line) => line.stream === stream && line.text.trim() !== "");
    return (spoken("stderr") ?? spoken("stdout"))?.text.trim().slice(0, 200) ?? "";
  }

  #bounded(text: string): string {
    this.#cut += Math.max(0, text.length - maxLineLength);
    return text.slice(0, maxLineLength);
  }

  #push(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > maxLines) {
      this.#lines.shift();
      this.#dropped += 1;
    }
    for (const follower of this.#followers) follower(line);
  }
}
