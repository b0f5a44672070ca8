// core: pure

export type MetricType = "counter" | "gauge" | "histogram" | "summary" | "info" | "unknown";

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** What follows the family's name on this line: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

/**
 * All series of one metric. `name` is the one that people query: counters end in `_total`, info metrics in `_info`, and
 * values with a unit in that unit (`_seconds`).
 */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Base unit; default: the one that the name ends in, if any. */
  readonly unit?: string;
  readonly samples: readonly MetricSample[];
}

const units: readonly string[] = [
  "seconds",
  "bytes",
  "ratio",
  "celsius",
  "watts",
  "joules",
  "hertz",
  "volts",
  "amperes",
  "meters",
];

/** The base unit that a metric's name ends in, `_total` aside. */
export function unitOf(name: string): string | undefined {
  const bare = name.replace(/_total$/, "");
  return units.find((unit) => bare.endsWith(`_${unit}`));
}

/** A family of one series without labels. */
export function singleValue(
  name: string,
  type: "counter" | "gauge",
  help: string,
  value: number,
): MetricFamily {
  return { name, type, help, samples: [{ labels: {}, value }] };
}
