// core: pure
import type { MetricFamily, MetricSample } from "@ringrift/metrics";

/** The sample of a value without labels; none while it is not known. */
export function one(value: number | null): MetricSample[] {
  return value === null ? [] : [{ labels: {}, value }];
}

export function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: "gauge", help, samples };
}

/** A counter with one series for each word that was counted. */
export function counter(
  name: string,
  help: string,
  label: string,
  counts: Readonly<Record<string, number>>,
): MetricFamily {
  return { name, type: "counter", help, samples: perWord(label, counts) };
}

export function perWord(label: string, counts: Readonly<Record<string, number>>): MetricSample[] {
  return Object.entries(counts).map(([word, value]) => ({ labels: { [label]: word }, value }));
}
