import { errorText, RingRiftError } from "@ringrift/protocol";
import { toReport } from "./judgement.ts";
import type { Probe, ProbeOutcome } from "./probe.ts";

/** Probes whose last run has not come back yet, with its start; a second run never joins a hung one. */
const running = new WeakMap<Probe, number>();

/**
 * Runs a probe once within its time-out. Never rejects: a probe that throws, hangs or is still busy with an earlier run
 * gives state `unknown` with the reason.
 *
 * @param nowSeconds Wall clock, seconds since 1970.
 * @example
 * for (const probe of createProbes(options)) console.log((await runProbe(probe, options.nowSeconds)).report.state);
 */
export async function runProbe(probe: Probe, nowSeconds: () => number): Promise<ProbeOutcome> {
  const startedAt = nowSeconds();
  const since = running.get(probe);
  if (since !== undefined) {
    const ageSeconds = Math.max(0, Math.round(startedAt - since));
    return failed(
      probe,
      `an earlier run has not come back for ${ageSeconds} s, so no second one was started`,
      "Look for processes in uninterruptible sleep (ps -eo state,pid,cmd | grep ^D); a hung driver or disk needs a reboot.",
      startedAt,
      startedAt,
      true,
    );
  }
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<"timed out">((resolve) => {
    timer = setTimeout(() => resolve("timed out"), probe.timeoutSeconds * 1000);
  });
  running.set(probe, startedAt);
  const run = start(probe, controller.signal).finally(() => running.delete(probe));
  // A run that fails after its time-out has nobody left to tell.
  run.catch(() => {});
  try {
    const outcome = await Promise.race([run, timedOut]);
    if (outcome === "timed out") {
      controller.abort(new Error("time-out"));
      return failed(
        probe,
        `no answer within ${probe.timeoutSeconds} s`,
        `Check what it reads: ${probe.reads}.`,
        nowSeconds(),
        startedAt,
        true,
      );
    }
    const durationSeconds = Math.max(0, nowSeconds() - startedAt);
    return { ...outcome, report: { ...outcome.report, durationSeconds } };
  } catch (error) {
    const nextStep = error instanceof RingRiftError ? error.nextStep : undefined;
    return failed(probe, errorText(error), nextStep, nowSeconds(), startedAt, false);
  } finally {
    clearTimeout(timer);
  }
}

/** A probe may throw before it returns a promise; that is a rejection like any other. */
async function start(probe: Probe, signal: AbortSignal): Promise<ProbeOutcome> {
  return probe.run(signal);
}

function failed(
  probe: Probe,
  reason: string,
  action: string | undefined,
  observedAt: number,
  startedAt: number,
  hung: boolean,
): ProbeOutcome {
  const judgement = {
    state: "unknown" as const,
    reason,
    ...(action === undefined ? {} : { action }),
    details: { checkError: reason, ...(hung ? { hung: true } : {}) },
  };
  return {
    report: toReport(probe.name, probe.reads, judgement, observedAt, startedAt),
    ...unknownParts[probe.name],
  };
}

/** What stops being known when a probe fails: a stale value must not live on as if it were fresh. */
const unknownParts: Readonly<Record<string, Omit<ProbeOutcome, "report">>> = {
  cpu: { resources: { cpuUtilizationRatio: null } },
  memory: { resources: { memoryUsedRatio: null } },
  gpu: { gpus: null, resources: { gpuUtilizationRatio: null } },
};
