import { RingRiftError } from "@ringrift/protocol";
import type { Timers } from "./timers.ts";

/** What one run needs. */
interface Runnable<Outcome> {
  readonly name: string;
  readonly timeoutSeconds?: number;
  run(signal: AbortSignal): Promise<Outcome>;
}

/** Runs checks: each at most once at a time, all together at most `maxConcurrent`. */
export interface Runner<Outcome> {
  /**
   * Runs once, after waiting for a free place.
   *
   * @throws RingRiftError `CHECK_TIMED_OUT` past its time-out, `CHECK_STILL_RUNNING` while such a run has not come back,
   * `CHECK_STOPPED` after {@link stop}; and whatever the check itself throws.
   */
  run(check: Runnable<Outcome>): Promise<Outcome>;
  /** Aborts what runs and starts nothing more. */
  stop(): void;
}

export function createRunner<Outcome>(maxConcurrent: number, timers: Timers): Runner<Outcome> {
  const controllers = new Map<string, AbortController>();
  const waiting: (() => void)[] = [];
  let taken = 0;
  let stopped = false;

  const place = async (): Promise<void> => {
    if (taken < maxConcurrent) taken += 1;
    // Whoever leaves hands over the place, so `taken` stays.
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
  };

  async function within(check: Runnable<Outcome>, controller: AbortController): Promise<Outcome> {
    let cancel = (): void => {};
    const timeUp = new Promise<never>((_, reject) => {
      const { timeoutSeconds } = check;
      if (timeoutSeconds === undefined) return;
      cancel = timers.after(timeoutSeconds * 1000, () => {
        const late = timedOut(check.name, timeoutSeconds);
        reject(late);
        controller.abort(late);
      });
    });
    const run = start(check, controller.signal).finally(() => controllers.delete(check.name));
    try {
      return await Promise.race([run, timeUp]);
    } finally {
      cancel();
    }
  }

  return {
    run: async (check) => {
      if (controllers.has(check.name)) throw stillRunning(check.name);
      const controller = new AbortController();
      controllers.set(check.name, controller);
      await place();
      try {
        if (stopped) {
          controllers.delete(check.name);
          throw new RingRiftError(`Check ${check.name} did not run: the schedule was stopped.`, {
            code: "CHECK_STOPPED",
          });
        }
        return await within(check, controller);
      } finally {
        // A hung run gives its place back, or a few of them would stop all checks.
        leave();
      }
    },
    stop: () => {
      stopped = true;
      for (const controller of controllers.values()) controller.abort(new Error("stopped"));
    },
  };
}

/** A check may throw before it returns a promise; that is a rejection like any other. */
async function start<Outcome>(check: Runnable<Outcome>, signal: AbortSignal): Promise<Outcome> {
  return check.run(signal);
}

function timedOut(name: string, timeoutSeconds: number): RingRiftError {
  return new RingRiftError(`Check ${name} gave no answer within ${timeoutSeconds} s.`, {
    code: "CHECK_TIMED_OUT",
    nextStep: "Look at what it reads, or give it a longer timeoutSeconds.",
  });
}

function stillRunning(name: string): RingRiftError {
  return new RingRiftError(`Check ${name} was not started: its last run has not come back.`, {
    code: "CHECK_STILL_RUNNING",
    nextStep: "Make the check end when its AbortSignal fires.",
  });
}
