import { RingRiftError } from "@ringrift/protocol";
import { createRunner } from "./runner.ts";
import { realTimers, type Timers } from "./timers.ts";

const defaultMaxConcurrent = 16;
/** Timers count in 31 bits of milliseconds and fire at once beyond. */
const maxSeconds = 1_000_000;

/** One check to run again and again. */
export interface ScheduledCheck<Outcome> {
  readonly name: string;
  /** Above 0, at most 1,000,000. */
  readonly intervalSeconds: number;
  /** Without one, the check must end by itself, as `runProbe` does. */
  readonly timeoutSeconds?: number;
  /** Checks of one phase and interval run in the same turn: one wake-up serves them all. Its own name unless given. */
  readonly phase?: string;
  /** Runs the check once. The signal fires at its time-out and at {@link Schedule.stop}. */
  run(signal: AbortSignal): Promise<Outcome>;
}

export interface ScheduleOptions<Outcome> {
  /** Spreads the first runs of many nodes. */
  readonly nodeId: string;
  readonly checks: readonly ScheduledCheck<Outcome>[];
  readonly onOutcome: (outcome: Outcome, check: string) => void;
  /** A run that threw, hung or was not started since the one before hangs: the check's state is unknown. */
  readonly onError: (error: unknown, check: string) => void;
  /** Runs at a time, over all checks; 16 unless told otherwise. */
  readonly maxConcurrent?: number;
  readonly timers?: Timers;
}

interface Turn<Outcome> {
  readonly checks: Set<ScheduledCheck<Outcome>>;
  readonly cancel: () => void;
}

export interface Schedule<Outcome> {
  /** Runs every check once at once, then each at its own interval and offset. */
  start(): Promise<void>;
  /**
   * Goes on with these checks. The same objects go on undisturbed; new ones run at once; what is left out is not run again, and
   * the answer of a run that is under way is discarded.
   *
   * @throws RingRiftError `SCHEDULE_INVALID`, and then everything is as it was.
   */
  replace(checks: readonly ScheduledCheck<Outcome>[]): Promise<void>;
  stop(): void;
}

/**
 * Runs each check at its interval, at an offset that the node and its phase decide: never two runs of one check at a time, and
 * a run that takes longer than its interval skips beats instead of piling up.
 *
 * @throws RingRiftError `SCHEDULE_INVALID` for a name twice, or an interval or time-out that is not within bounds.
 */
export function createSchedule<Outcome>(options: ScheduleOptions<Outcome>): Schedule<Outcome> {
  const timers = options.timers ?? realTimers;
  refuseInvalid(options.checks);
  const runner = createRunner<Outcome>(options.maxConcurrent ?? defaultMaxConcurrent, timers);
  /** What is due, by the instant: checks that are due together share a timer. */
  const turns = new Map<number, Turn<Outcome>>();
  let current = new Set<ScheduledCheck<Outcome>>(options.checks);

  async function runOnce(check: ScheduledCheck<Outcome>): Promise<void> {
    try {
      const outcome = await runner.run(check);
      if (current.has(check)) options.onOutcome(outcome, check.name);
    } catch (error) {
      if (current.has(check)) options.onError(error, check.name);
    }
  }

  function arm(check: ScheduledCheck<Outcome>): void {
    if (!current.has(check)) return;
    const intervalMs = check.intervalSeconds * 1000;
    const offset = spread(`${options.nodeId}/${check.phase ?? check.name}`) * intervalMs;
    const now = timers.nowMs();
    const untilOffset = intervalMs - ((((now - offset) % intervalMs) + intervalMs) % intervalMs);
    // Two runs in quick succession would measure the noise of an instant.
    const delay = untilOffset < intervalMs / 2 ? untilOffset + intervalMs : untilOffset;
    // Rounded, since sums of instants differ in their last digits.
    const at = Math.round(now + delay);
    const turn = turns.get(at);
    if (turn !== undefined) turn.checks.add(check);
    else turns.set(at, { checks: new Set([check]), cancel: timers.after(delay, () => take(at)) });
  }

  function take(at: number): void {
    const turn = turns.get(at);
    turns.delete(at);
    // Armed again even when a callback of the caller throws; that error is then the process' to hear of.
    for (const check of turn?.checks ?? []) void runOnce(check).finally(() => arm(check));
  }

  function forget(check: ScheduledCheck<Outcome>): void {
    for (const [at, turn] of turns) {
      if (!turn.checks.delete(check) || turn.checks.size > 0) continue;
      turn.cancel();
      turns.delete(at);
    }
  }

  async function begin(checks: readonly ScheduledCheck<Outcome>[]): Promise<void> {
    await Promise.all(checks.map(runOnce));
    for (const check of checks) arm(check);
  }

  return {
    start: () => begin(options.checks),
    replace: (checks) => {
      refuseInvalid(checks);
      const before = current;
      current = new Set(checks);
      for (const check of before) if (!current.has(check)) forget(check);
      return begin(checks.filter((check) => !before.has(check)));
    },
    stop: () => {
      runner.stop();
      for (const check of current) forget(check);
      current = new Set();
    },
  };
}

function refuseInvalid(checks: readonly ScheduledCheck<unknown>[]): void {
  const names = new Set<string>();
  for (const { name, intervalSeconds, timeoutSeconds = intervalSeconds } of checks) {
    if (names.has(name)) throw invalid(`Check ${name} is scheduled twice.`, "Give each check its own name.");
    names.add(name);
    for (const [field, seconds] of Object.entries({ intervalSeconds, timeoutSeconds }))
      if (!(seconds > 0 && seconds <= maxSeconds))
        throw invalid(
          `Check ${name} has ${field} ${seconds}.`,
          `Use a number of seconds above 0 and at most ${maxSeconds}.`,
        );
  }
}

function invalid(message: string, nextStep: string): RingRiftError {
  return new RingRiftError(message, { code: "SCHEDULE_INVALID", nextStep });
}

/** FNV-1a of the text as a share of 1: the same text always gives the same offset. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}
