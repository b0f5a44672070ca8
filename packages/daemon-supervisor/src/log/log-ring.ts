// core: pure

export type LogStream = "stdout" | "stderr";

export interface LogLine {
  readonly stream: LogStream;
  readonly text: string;
  /** Milliseconds since 1970 at which it was read. */
  readonly timeMs: number;
  /** A part of a line too long for one: it goes on in the next. */
  readonly partial?: true;
}

/** Of all lines together, so that long ones do not make many daemons large. */
const maxCharacters = 256 * 1024;

/** The last lines a daemon wrote; what fell out is counted. */
export class LogRing {
  #maxLines: number;
  #lines: LogLine[] = [];
  /** Lines before this one have fallen out. */
  #first = 0;
  #characters = 0;
  #dropped = 0;

  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length;
    this.#trim();
  }

  /** Keeps so many lines from now on. */
  limit(maxLines: number): void {
    this.#maxLines = maxLines;
    this.#trim();
  }

  #trim(): void {
    while (this.#lines.length - this.#first > this.#maxLines || this.#characters > maxCharacters) {
      this.#characters -= this.#lines[this.#first]?.text.length ?? 0;
      this.#first += 1;
      this.#dropped += 1;
    }
    // Moving all at each line would cost more than keeping as many again.
    if (this.#first > this.#maxLines) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Oldest first, with the number of lines that fell out. */
  snapshot(): { readonly lines: readonly LogLine[]; readonly dropped: number } {
    return { lines: this.#lines.slice(this.#first), dropped: this.#dropped };
  }

  /** The last non-empty line of stderr, or of stdout: most often why it died. */
  lastWords(): string {
    const spoken = (stream: LogStream): LogLine | undefined =>
      this.#lines.findLast(
        (line, i) => i >= this.#first && line.stream === stream && line.text.trim() !== "",
      );
    return (spoken("stderr") ?? spoken("stdout"))?.text.trim().slice(0, 200) ?? "";
  }
}
