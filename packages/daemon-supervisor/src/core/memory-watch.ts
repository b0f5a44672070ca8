/** Calls a memory limit crossed only after so many samples in a row: one peak is no leak. */
export class MemoryWatch {
  readonly #maxBytes: number;
  readonly #samples: number;
  #over = 0;

  constructor({ maxBytes, samples }: { readonly maxBytes: number; readonly samples: number }) {
    this.#maxBytes = maxBytes;
    this.#samples = samples;
  }

  /** Takes one sample; the reason to restart when it was one too many. */
  sampled(bytes: number): string | null {
    this.#over = bytes > this.#maxBytes ? this.#over + 1 : 0;
    if (this.#over < this.#samples) return null;
    return `uses ${megabytes(bytes)} MB, more than its limit of ${megabytes(this.#maxBytes)} MB, in ${this.#over} samples in a row`;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0);
}
