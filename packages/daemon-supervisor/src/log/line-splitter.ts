// core: pure

/** A line, or a part of one that is longer than the limit. Its bytes are valid until the next call. */
export interface LinePiece {
  readonly bytes: Uint8Array;
  /** The line goes on in the next piece. */
  readonly partial: boolean;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Cuts a stream of bytes into lines of at most `limit` bytes; nothing is lost, long lines come in pieces. */
export class LineSplitter {
  #limit: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Cuts lines longer than this from now on. */
  limit(limit: number): void {
    this.#limit = limit;
  }

  /** Takes a chunk as it came from the pipe; lines may be split anywhere. */
  push(chunk: Uint8Array): LinePiece[] {
    const pieces: LinePiece[] = [];
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    let from = 0;
    for (let to = bytes.indexOf(newline); to !== -1; to = bytes.indexOf(newline, from)) {
      from = this.#cut(bytes, from, to, pieces);
      const end = to > from && bytes[to - 1] === carriageReturn ? to - 1 : to;
      pieces.push({ bytes: bytes.subarray(from, end), partial: false });
      from = to + 1;
    }
    from = this.#cut(bytes, from, bytes.length, pieces);
    // A copy: what is kept must not hold the whole chunk.
    this.#rest = bytes.slice(from);
    return pieces;
  }

  /** The stream has ended: what was written without a newline is a line too. */
  flush(): LinePiece[] {
    const bytes = this.#rest;
    this.#rest = new Uint8Array(0);
    return bytes.length === 0 ? [] : [{ bytes, partial: false }];
  }

  /** Takes whole pieces off the front while more than the limit is left; returns where the rest begins. */
  #cut(bytes: Uint8Array, start: number, end: number, pieces: LinePiece[]): number {
    let from = start;
    while (end - from > this.#limit) {
      const to = characterStart(bytes, from, from + this.#limit);
      pieces.push({ bytes: bytes.subarray(from, to), partial: true });
      from = to;
    }
    return from;
  }
}

/** `at`, or up to three bytes earlier where a UTF-8 character begins. */
function characterStart(bytes: Uint8Array, from: number, at: number): number {
  for (let back = 0; back < 4 && at - back > from; back += 1) {
    if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back;
  }
  return at;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
