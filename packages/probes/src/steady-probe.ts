import { type HysteresisCounts, hold, nothingHeld } from "./hysteresis.ts";
import type { Probe, ProbeOutcome } from "./probe.ts";

/** The probe with its spikes held back: its report tells the state that was seen often enough, and what is seen now. */
export function steadyProbe(probe: Probe, counts: HysteresisCounts | undefined): Probe {
  if (counts === undefined) return probe;
  let held = nothingHeld;
  return {
    ...probe,
    async run(signal) {
      const outcome = await probe.run(signal);
      const { state } = outcome.report;
      held = hold(held, state, counts);
      if (held.told === null || held.told === state) return outcome;
      const waiting =
        held.worse > 0 ? `${held.worse} of ${counts.raise}` : `${held.better} of ${counts.clear}`;
      return explained(outcome, held.told, `${state} in ${waiting} runs that it takes to tell`);
    },
  };
}

function explained(outcome: ProbeOutcome, state: ProbeOutcome["report"]["state"], why: string): ProbeOutcome {
  const { report } = outcome;
  const reason = `${why}: ${report.reason}`.slice(0, 1000);
  return {
    ...outcome,
    report: { ...report, state, reason, details: { ...report.details, seen: report.state } },
  };
}
