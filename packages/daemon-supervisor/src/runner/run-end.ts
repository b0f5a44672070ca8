import type { Remains, Run } from "../core/run.ts";

const stuckCheckMs = 5_000;

export interface RunEndListener {
  /** These outlived SIGKILL; `gone` follows if they ever end. */
  stuck(left: Remains): void;
  /** Nothing of the run is left. */
  gone(): void;
}

export interface StopSteps {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
  /** Nothing is signalled before this. */
  readonly after: Promise<void> | null;
}

/**
 * Ends a run, waiting for `checks` of it too. The promise resolves once it is gone or has proved unkillable; an unkillable
 * one is looked at until it is gone, since nothing may follow it before.
 */
export async function endRun(
  run: Run,
  { signal, graceMs, after }: StopSteps,
  checks: Promise<unknown>,
  listener: RunEndListener,
): Promise<void> {
  if (after !== null) await after;
  const [left] = await Promise.all([run.end(signal, graceMs), checks]);
  if (left.length === 0) return listener.gone();
  listener.stuck(left);
  awaitGone(run, listener);
}

function awaitGone(run: Run, listener: RunEndListener): void {
  const timer = setTimeout(() => {
    if (run.remaining().length === 0) listener.gone();
    else awaitGone(run, listener);
  }, stuckCheckMs);
  // What cannot be killed must not keep the supervisor from ending.
  timer.unref();
}
