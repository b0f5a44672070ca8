/** Lets one loop sleep until there is news or so much time has passed. */
export class Waker {
  #wake: () => void = () => undefined;

  /** There is news. Between two sleeps nothing is remembered: whoever wakes up looks for itself. */
  wake(): void {
    this.#wake();
  }

  /** True when it was woken, false when the time passed. */
  sleep(longestMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), longestMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
