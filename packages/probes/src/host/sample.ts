import { setTimeout as sleep } from "node:timers/promises";

/** How long the first run waits between its two samples, since it has no earlier one to compare with. */
const firstGapMs = 500;

/** Reads counters so that two samples can be compared: the last run's with this one's, or two short ones at first. */
export function sampler<Sample>(
  read: (signal: AbortSignal) => Promise<Sample>,
): (signal: AbortSignal) => Promise<{ readonly before: Sample; readonly after: Sample }> {
  let last: Sample | undefined;
  return async (signal) => {
    let before = last;
    if (before === undefined) {
      before = await read(signal);
      await sleep(firstGapMs, undefined, { signal });
    }
    const after = await read(signal);
    last = after;
    return { before, after };
  };
}
