// core: pure
import type { MetricFamily, MetricSample } from "@ringrift/metrics";
import type { CheckReport } from "@ringrift/protocol";

/** Counts of the agent's own checks. */
export interface CheckMetrics {
  observe(report: CheckReport): void;
  /** Takes out the counts of a check that is not run any more. */
  forget(check: string): void;
  families(): MetricFamily[];
}

const bucketsSeconds = [0.001, 0.01, 0.1, 0.5, 1, 5, 10] as const;

type Labels = MetricSample["labels"];

interface CheckCount {
  /** Of its series, made once. */
  readonly labels: { readonly own: Labels; readonly buckets: readonly Labels[] };
  /** Runs that took at most each bucket's time, and all runs. */
  readonly within: number[];
  runs: number;
  seconds: number;
  failures: number;
}

/** Two families are counted here by hand: a metrics library alone would take 4 MB of the agent's memory. */
export function createCheckMetrics(): CheckMetrics {
  const counts = new Map<string, CheckCount>();
  return {
    observe: ({ check, state, durationSeconds }) => {
      let count = counts.get(check);
      if (count === undefined) {
        count = {
          labels: labelsOf(check),
          within: bucketsSeconds.map(() => 0),
          runs: 0,
          seconds: 0,
          failures: 0,
        };
        counts.set(check, count);
      }
      for (const [index, limit] of bucketsSeconds.entries())
        if (durationSeconds <= limit) count.within[index] = (count.within[index] ?? 0) + 1;
      count.runs += 1;
      count.seconds += durationSeconds;
      if (state === "unhealthy" || state === "unknown") count.failures += 1;
    },
    forget: (check) => {
      counts.delete(check);
    },
    families: () => [
      {
        name: "ringrift_check_duration_seconds",
        type: "histogram",
        help: "How long runs of each check took.",
        samples: [...counts.values()].flatMap(histogramSamples),
      },
      {
        // It exists from a check's first run on, so that a rate can be taken from its first failure.
        name: "ringrift_check_failures_total",
        type: "counter",
        help: "Runs of each check that found a fault or could not tell.",
        samples: [...counts.values()].map(({ labels, failures }) => ({
          labels: labels.own,
          value: failures,
        })),
      },
    ],
  };
}

function labelsOf(check: string): CheckCount["labels"] {
  return {
    own: { check },
    buckets: [...bucketsSeconds, "+Inf"].map((limit) => ({ check, le: String(limit) })),
  };
}

function histogramSamples({ labels, within, runs, seconds }: CheckCount): MetricSample[] {
  return [
    ...labels.buckets.map((ofBucket, index) => ({
      labels: ofBucket,
      value: within[index] ?? runs,
      suffix: "_bucket",
    })),
    { labels: labels.own, value: seconds, suffix: "_sum" },
    { labels: labels.own, value: runs, suffix: "_count" },
  ];
}
