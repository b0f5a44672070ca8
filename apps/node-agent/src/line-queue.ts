// core: pure
import type { LogLine } from "@ringrift/daemon-supervisor";

const longestQueue = 2_000;

/** Lines that wait for one reader: when it is too slow, the older half of them is dropped and counted. */
export class LineQueue {
  #lines: LogLine[];
  #lost = 0;

  constructor(lines: readonly LogLine[]) {
    this.#lines = [...lines];
  }

  push(line: LogLine): void {
    if (this.#lines.length >= longestQueue) this.#lost += this.#lines.splice(0, longestQueue / 2).length;
    this.#lines.push(line);
  }

  /** All that waits, and how many were dropped since the last call. */
  take(): { readonly lines: readonly LogLine[]; readonly lost: number } {
    const taken = { lines: this.#lines, lost: this.#lost };
    this.#lines = [];
    this.#lost = 0;
    return taken;
  }
}
