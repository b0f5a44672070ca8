// core: pure
/**
 * Successes and failures of the last `windowSeconds`, in one bucket a second, so memory is bounded by the window and not by
 * the rate of calls. Times are seconds from any one clock; when it is set back, what then lies in the future is forgotten.
 */
export class SlidingWindow {
  readonly windowSeconds: number;
  readonly #buckets = new Map<number, { ok: number; failed: number }>();

  #newest = Number.NEGATIVE_INFINITY;

  constructor(windowSeconds: number) {
    this.windowSeconds = windowSeconds;
  }

  record(ok: boolean, nowSeconds: number): void {
    this.#expire(nowSeconds);
    const second = Math.floor(nowSeconds);
    const bucket = this.#buckets.get(second) ?? { ok: 0, failed: 0 };
    if (ok) bucket.ok += 1;
    else bucket.failed += 1;
    this.#buckets.set(second, bucket);
  }

  counts(nowSeconds: number): { readonly ok: number; readonly failed: number; readonly total: number } {
    this.#expire(nowSeconds);
    let ok = 0;
    let failed = 0;
    for (const bucket of this.#buckets.values()) {
      ok += bucket.ok;
      failed += bucket.failed;
    }
    return { ok, failed, total: ok + failed };
  }

  #expire(nowSeconds: number): void {
    const current = Math.floor(nowSeconds);
    if (current < this.#newest) {
      for (const second of this.#buckets.keys()) if (second > current) this.#buckets.delete(second);
    }
    this.#newest = current;
    const oldest = current - this.windowSeconds;
    for (const second of this.#buckets.keys()) {
      if (second > oldest) break;
      this.#buckets.delete(second);
    }
  }
}
