import type { Registry } from "prom-client";
import type { MetricFamily, MetricSample, MetricType } from "./metric-family.ts";

/** The families of a prom-client registry, for our writer: its own cannot serve both formats. */
export async function familiesFromRegistry(
  registry: Pick<Registry, "getMetricsAsJSON">,
): Promise<MetricFamily[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map((metric) => ({
    name: metric.name,
    type: typeOf(String(metric.type)),
    help: metric.help,
    samples: metric.values.map((value) => sampleOf(metric.name, value)),
  }));
}

/**
 * Keeps the families of a registry at hand, for handlers that must not wait. prom-client reads asynchronously: call
 * `refresh` on the program's tick, and the page shows the last one.
 */
export class RegistryReader {
  readonly #registry: Pick<Registry, "getMetricsAsJSON">;
  #families: readonly MetricFamily[] = [];

  constructor(registry: Pick<Registry, "getMetricsAsJSON">) {
    this.#registry = registry;
  }

  async refresh(): Promise<void> {
    this.#families = await familiesFromRegistry(this.#registry);
  }

  families(): readonly MetricFamily[] {
    return this.#families;
  }
}

interface RegistryValue {
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}

function sampleOf(family: string, { value, labels, metricName }: RegistryValue): MetricSample {
  const texts = Object.entries(labels).map(([label, text]) => [label, labelValue(text)]);
  const suffix = metricName?.startsWith(family) ? metricName.slice(family.length) : "";
  return { labels: Object.fromEntries(texts), value, ...(suffix === "" ? {} : { suffix }) };
}

function labelValue(value: string | number | undefined): string {
  if (value === Infinity) return "+Inf";
  return value === undefined ? "" : String(value);
}

function typeOf(type: string): MetricType {
  switch (type) {
    case "counter":
    case "gauge":
    case "histogram":
    case "summary":
      return type;
    default:
      return "unknown";
  }
}
