/** One check to run again and again. */
export interface ScheduledCheck<Outcome> {
  readonly name: string;
  readonly intervalSeconds: number;
  /** Runs the check once; must end by itself within its time-out and never throw, as `runProbe` does. */
  run(): Promise<Outcome>;
}

/** Timers as a seam, so that tests bring a virtual clock. */
export interface Timers {
  nowMs(): number;
  /** @returns a function that cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

const realTimers: Timers = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

export interface ScheduleOptions<Outcome> {
  /** Spreads the first runs of many nodes. */
  readonly nodeId: string;
  readonly checks: readonly ScheduledCheck<Outcome>[];
  readonly onOutcome: (outcome: Outcome, check: string) => void;
  readonly onError: (error: unknown, check: string) => void;
  readonly timers?: Timers;
}

export interface Schedule {
  /** Runs every check once at once, then each at its own interval and offset. */
  start(): Promise<void>;
  stop(): void;
}

/**
 * Runs each check at its interval, at an offset that its name and the node decide: never two runs of one check at a time, and
 * a run that takes longer than its interval skips beats instead of piling up.
 */
export function createSchedule<Outcome>(options: ScheduleOptions<Outcome>): Schedule {
  const timers = options.timers ?? realTimers;
  const cancels = new Map<string, () => void>();
  let stopped = false;

  async function runOnce(check: ScheduledCheck<Outcome>): Promise<void> {
    try {
      const outcome = await check.run();
      if (!stopped) options.onOutcome(outcome, check.name);
    } catch (error) {
      if (!stopped) options.onError(error, check.name);
    }
  }

  function arm(check: ScheduledCheck<Outcome>): void {
    if (stopped) return;
    const intervalMs = check.intervalSeconds * 1000;
    const offset = spread(`${options.nodeId}/${check.name}`) * intervalMs;
    const now = timers.nowMs();
    const untilOffset = intervalMs - ((((now - offset) % intervalMs) + intervalMs) % intervalMs);
    // Two runs in quick succession would measure the noise of an instant.
    const delay = untilOffset < intervalMs / 2 ? untilOffset + intervalMs : untilOffset;
    const cancel = timers.after(delay, () => {
      void runOnce(check).then(() => arm(check));
    });
    cancels.set(check.name, cancel);
  }

  return {
    start: async () => {
      await Promise.all(options.checks.map(runOnce));
      for (const check of options.checks) arm(check);
    },
    stop: () => {
      stopped = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}

/** FNV-1a of the text as a share of 1: the same text always gives the same offset. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}
