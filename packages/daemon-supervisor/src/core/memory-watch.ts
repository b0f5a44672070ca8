/** Samples that count on their own are this far apart. */
const sampleMs = 5_000;
/** How often it is looked at: far from its limit, and near it. */
const farMs = 1_000;
const nearMs = 250;
/** From this share of the limit on it is near. */
const nearRatio = 0.8;
/** A look costs so much for each process that large trees are looked at less often. */
const perProcessMs = 10;
/** Less than this share of the limit from one look to the next is no growth. */
const growthRatio = 0.01;

interface Look {
  readonly bytes: number;
  readonly at: number;
  /** Since the look before. */
  readonly bytesPerMs: number;
}

/**
 * Calls a memory limit crossed when it is more than a peak: above it in every look for as long as `samples` samples take, or
 * above it and growing in as many looks in a row. Times are monotonic milliseconds.
 */
export class MemoryWatch {
  readonly #maxBytes: number;
  readonly #samples: number;
  #last: Look | null = null;
  /** The first look of those in a row that were above the limit. */
  #first: Look | null = null;
  #above = 0;
  #growing = 0;

  constructor({ maxBytes, samples }: { readonly maxBytes: number; readonly samples: number }) {
    this.#maxBytes = maxBytes;
    this.#samples = samples;
  }

  /** Takes one look; the reason to restart when it was one too many. */
  looked(bytes: number, now: number): string | null {
    const grown = bytes - (this.#last?.bytes ?? bytes);
    const grows = grown >= growthRatio * this.#maxBytes;
    this.#last = { bytes, at: now, bytesPerMs: grown / Math.max(1, now - (this.#last?.at ?? now)) };
    if (bytes <= this.#maxBytes) {
      this.#first = null;
      this.#above = 0;
      this.#growing = 0;
      return null;
    }
    this.#above += 1;
    this.#growing = grows || this.#first === null ? this.#growing + 1 : 0;
    this.#first ??= this.#last;
    const uses = `uses ${megabytes(bytes)} MB, more than its limit of ${megabytes(this.#maxBytes)} MB`;
    const forMs = now - this.#first.at;
    if (this.#above >= this.#samples && forMs >= (this.#samples - 1) * sampleMs)
      return this.#samples === 1 ? uses : `${uses}, for ${Math.round(forMs / 1000)} s`;
    return this.#growing >= this.#samples ? `${uses}, and goes on growing` : null;
  }

  /** Milliseconds until the next look at so many processes. */
  nextInMs(processes: number): number {
    return Math.max(this.#isNear ? nearMs : farMs, processes * perProcessMs);
  }

  /** It may be above its limit before another look from far. */
  get #isNear(): boolean {
    if (this.#last === null) return true;
    const { bytes, bytesPerMs } = this.#last;
    return bytes >= nearRatio * this.#maxBytes || bytes + 2 * bytesPerMs * farMs >= this.#maxBytes;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0);
}
