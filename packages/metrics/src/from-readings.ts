// core: pure
import type { Reading } from "@ringrift/protocol";
import type { MetricFamily, MetricSample, MetricType } from "./metric-family.ts";

export interface NodeReadings {
  readonly node: string;
  readonly readings: readonly Reading[];
}

export interface ReadingsOptions {
  /** Help by reading name, without prefix. */
  readonly help?: Readonly<Record<string, string>>;
  /** Most series of one node; default 5,000. */
  readonly maxSeriesPerNode?: number;
  /** Most series of all nodes together; default 200,000. */
  readonly maxSeries?: number;
}

const taken: readonly string[] = ["node", "le", "quantile"];

/**
 * Turns readings into families `ringrift_<name>` with the label `node`. Absent values give no series, never a zero. What
 * is over the bounds is left out and counted in `ringrift_dropped_total{what="series"}`, once per call.
 */
export class ReadingsExporter {
  readonly #help: Readonly<Record<string, string>>;
  readonly #maxSeriesPerNode: number;
  readonly #maxSeries: number;
  #dropped = 0;

  constructor(options: ReadingsOptions = {}) {
    this.#help = options.help ?? {};
    this.#maxSeriesPerNode = options.maxSeriesPerNode ?? 5000;
    this.#maxSeries = options.maxSeries ?? 200_000;
  }

  /** Series left out so far. */
  get dropped(): number {
    return this.#dropped;
  }

  families(nodes: Iterable<NodeReadings>): MetricFamily[] {
    const samples = new Map<string, MetricSample[]>();
    let total = 0;
    for (const { node, readings } of nodes) {
      let ofNode = 0;
      for (const { name, labels, value } of readings) {
        if (value === null || !Number.isFinite(value)) continue;
        if (ofNode >= this.#maxSeriesPerNode || total >= this.#maxSeries) {
          this.#dropped += 1;
          continue;
        }
        ofNode += 1;
        total += 1;
        const sample = { labels: withNode(labels, node), value };
        const list = samples.get(name);
        if (list === undefined) samples.set(name, [sample]);
        else list.push(sample);
      }
    }
    const families = [...samples].map(([name, list]) => this.#family(name, list));
    const what = { labels: { what: "series" }, value: this.#dropped };
    return [
      ...families,
      { name: "ringrift_dropped_total", type: "counter", help: droppedHelp, samples: [what] },
    ];
  }

  #family(name: string, samples: readonly MetricSample[]): MetricFamily {
    const own = Object.hasOwn(this.#help, name) ? this.#help[name] : undefined;
    const help = own ?? `${sentence(name)}, as the checks of the node read it.`;
    return { name: `ringrift_${name}`, type: typeOf(name), help, samples };
  }
}

/** Help of `ringrift_dropped_total`, which other parts of a program add to under other values of `what`. */
export const droppedHelp = "Things left out because a bound was reached, by what they were.";

function typeOf(name: string): MetricType {
  if (name.endsWith("_total")) return "counter";
  return name.endsWith("_info") ? "info" : "gauge";
}

function withNode(labels: Readonly<Record<string, string>>, node: string): Record<string, string> {
  // A spread is copied in one step; names of ours among them are the exception.
  if (!taken.some((label) => Object.hasOwn(labels, label))) return { node, ...labels };
  const all: Record<string, string> = { node };
  for (const [label, value] of Object.entries(labels)) {
    all[taken.includes(label) ? `exported_${label}` : label] = value;
  }
  return all;
}

function sentence(name: string): string {
  const words = name.replaceAll("_", " ").replace(/^gpu\b/, "GPU");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
