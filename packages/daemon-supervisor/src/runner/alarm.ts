/** Node's timers overflow beyond this and would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Later than this, an alarm tells of a loop that stood still. */
export const stallMs = 1_000;

/** One timer that can be set anew, cancelled and asked for; a span of any length. */
export class Alarm {
  readonly #ring: (lateMs: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `ring` is told how late it comes, which is how long this process's own loop stood still. */
  constructor(ring: (lateMs: number) => void) {
    this.#ring = ring;
  }

  get pending(): boolean {
    return this.#timer !== undefined;
  }

  /** Rings once, in so many milliseconds, whatever was set before. */
  set(inMs: number): void {
    this.cancel();
    const stepMs = Math.min(inMs, longestTimerMs);
    const dueAt = performance.now() + stepMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (inMs > stepMs) this.set(inMs - stepMs);
      else this.#ring(performance.now() - dueAt);
    }, stepMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
