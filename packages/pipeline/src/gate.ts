import { HealthThresholds, type ThresholdValues } from "@ringrift/protocol";

export interface GateInput {
  /** Null when not known: it neither pauses nor resumes. */
  readonly rawScore: number | null;
  /** What speaks for a pause now, as the scorer names it. */
  readonly triggers: readonly string[];
}

export interface GateView {
  readonly state: "running" | "paused";
  /** While paused: what holds it. Empty while running. */
  readonly reasons: readonly string[];
}

/** Whether the pipeline may run. */
export interface Gate {
  evaluate(input: GateInput, nowSeconds: number): GateView;
  view(): GateView;
}

/**
 * Pauses at once on any trigger; resumes once the raw score is good again and no trigger has held for a while, so that every
 * pause has a way out in time. Pure.
 */
export function createGate(thresholds: ThresholdValues = HealthThresholds): Gate {
  let view: GateView = { state: "running", reasons: [] };
  let lastTriggers: readonly string[] = [];
  let quietSince: number | null = null;

  return {
    view: () => view,
    evaluate: ({ rawScore, triggers }, nowSeconds) => {
      if (triggers.length > 0) {
        lastTriggers = triggers;
        quietSince = null;
        view = { state: "paused", reasons: triggers };
        return view;
      }
      if (view.state === "running") return view;
      // A clock that was set back must not lengthen the pause.
      quietSince = Math.min(quietSince ?? nowSeconds, nowSeconds);
      const quietSeconds = nowSeconds - quietSince;
      const waits: string[] = [];
      if (quietSeconds < thresholds.RESUME_QUIET_SECONDS)
        waits.push(
          `quiet for ${Math.floor(quietSeconds)} of ${thresholds.RESUME_QUIET_SECONDS} s after ${lastTriggers.join(", ")}`,
        );
      if (rawScore === null) waits.push("the raw score is not known");
      else if (rawScore < thresholds.RESUME_SCORE)
        waits.push(`raw score ${rawScore} is below ${thresholds.RESUME_SCORE}`);
      view = waits.length === 0 ? { state: "running", reasons: [] } : { state: "paused", reasons: waits };
      return view;
    },
  };
}
