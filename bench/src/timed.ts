import { execFileSync } from "node:child_process";

export const runsPerFigure = 10;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Resolves with its instant when `done` is called; rejects after a minute. */
export class Moment {
  readonly reached: Promise<number>;
  #resolve: (at: number) => void = () => undefined;

  constructor(what: string) {
    this.reached = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited a minute for ${what}`)), 60_000);
      this.#resolve = (at) => {
        clearTimeout(timer);
        resolve(at);
      };
    });
  }

  done(): void {
    this.#resolve(performance.now());
  }
}

/** The first line that a program prints when asked for its version; null when it is not installed. */
export function versionOf(command: string, argument: string): string | null {
  try {
    const text = execFileSync(command, [argument], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+\.\d+[\w.-]*/.exec(text)?.[0] ?? "unknown";
  } catch {
    return null;
  }
}

/** Between 1 and 2 s, so that faults fall anywhere in a heartbeat. */
export async function anyMoment(): Promise<void> {
  await sleep(1_000 + Math.random() * 1_000);
}
