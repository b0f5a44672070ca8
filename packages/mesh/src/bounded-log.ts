import type { Rate } from "./limits.ts";
import type { MeshLog } from "./mesh.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Logs as many lines as a log can bear; the next one says how many were left out before it. */
export class BoundedLog {
  readonly #log: MeshLog;
  readonly #now: () => number;
  readonly #lines: TokenBucket;
  #leftOut = 0;

  /** @param now monotonic milliseconds */
  constructor(log: MeshLog, rate: Rate, now: () => number) {
    this.#log = log;
    this.#now = now;
    this.#lines = new TokenBucket(rate, now());
  }

  write: MeshLog = (level, message, fields = {}) => {
    if (!this.#lines.take(this.#now())) {
      this.#leftOut += 1;
      return;
    }
    const before = this.#leftOut === 0 ? {} : { notLoggedBefore: this.#leftOut };
    this.#leftOut = 0;
    this.#log(level, message, { ...fields, ...before });
  };
}
