/** Node's timers overflow beyond this and would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** One timer that can be set anew, cancelled and asked for; a span of any length. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  get pending(): boolean {
    return this.#timer !== undefined;
  }

  /** Rings once, in so many milliseconds, whatever was set before. */
  set(inMs: number): void {
    this.cancel();
    const stepMs = Math.min(inMs, longestTimerMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (inMs > stepMs) this.set(inMs - stepMs);
      else this.#ring();
    }, stepMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
