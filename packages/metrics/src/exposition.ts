// core: pure
import { type MetricFamily, type MetricSample, type MetricType, unitOf } from "./metric-family.ts";

export type ExpositionFormat = "text" | "openmetrics";

const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The Content-Type of a format. */
export function contentTypeOf(format: ExpositionFormat): string {
  return contentTypes[format];
}

/**
 * Writes families as Prometheus text 0.0.4 or OpenMetrics 1.0. Families of one name are merged, a second series with the
 * same labels is left out, and the order does not depend on that of the input (histograms and summaries keep theirs,
 * since their buckets ascend). Families without samples or with a name that is none are left out.
 */
export function writeExposition(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const parts: string[] = [];
  const headed = new Set<string>();
  for (const family of mergeByName(families)) {
    // In OpenMetrics a gauge `x` and a counter `x_total` would be one family of two types.
    const headName = format === "openmetrics" ? openMetricsName(family.name, family.type) : family.name;
    if (headed.has(headName)) continue;
    const lines = sampleLines(family);
    if (lines.length === 0) continue;
    headed.add(headName);
    parts.push(header(family, format), lines.join(""));
  }
  if (format === "openmetrics") parts.push("# EOF\n");
  return parts.join("");
}

interface Merged {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: (readonly MetricSample[])[];
}

function mergeByName(families: readonly MetricFamily[]): Merged[] {
  const byName = new Map<string, Merged>();
  for (const family of families) {
    const name = fullName(family);
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) continue;
    const known = byName.get(name);
    if (known === undefined) {
      const { type, help, samples, unit } = family;
      byName.set(name, { name, type, help, unit, samples: [samples] });
    } else if (known.type === family.type) {
      known.samples.push(family.samples);
    }
  }
  return [...byName.values()].sort((left, right) => compare(left.name, right.name));
}

/** Counters and info metrics carry their suffix on every line in both formats. */
function fullName({ name, type }: MetricFamily): string {
  if (type === "counter" && !name.endsWith("_total")) return `${name}_total`;
  if (type === "info" && !name.endsWith("_info")) return `${name}_info`;
  return name;
}

function header({ name, type, help, ...family }: Merged, format: ExpositionFormat): string {
  const trimmed = help.toWellFormed().trim();
  const text = escapeBackslashes(trimmed === "" ? name : trimmed);
  if (format === "text") {
    return `# HELP ${name} ${text}\n# TYPE ${name} ${textType(type)}\n`;
  }
  const bare = openMetricsName(name, type);
  const unit = family.unit ?? unitOf(name);
  const unitLine = unit !== undefined && bare.endsWith(`_${unit}`) ? `# UNIT ${bare} ${unit}\n` : "";
  return `# HELP ${bare} ${text.replaceAll('"', '\\"')}\n# TYPE ${bare} ${type}\n${unitLine}`;
}

function textType(type: MetricType): string {
  if (type === "info") return "gauge";
  return type === "unknown" ? "untyped" : type;
}

function openMetricsName(name: string, type: MetricType): string {
  if (type === "counter") return name.slice(0, -"_total".length);
  return type === "info" ? name.slice(0, -"_info".length) : name;
}

// These two are most of what an agent does when it is scraped. It runs without optimizing compilers, where each step of an
// iterator is an object: hence loops over indexes.
function sampleLines({ name, type, samples }: Merged): string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  let inOrder = true;
  for (let list = 0; list < samples.length; list += 1) {
    const ofList = samples[list] ?? [];
    for (let index = 0; index < ofList.length; index += 1) {
      const sample = ofList[index];
      // A counter below zero or of no number makes a scraper refuse the whole page.
      if (sample === undefined || (type === "counter" && !(sample.value >= 0))) continue;
      const series = `${name}${sample.suffix ?? ""}${labelText(sample.labels)}`;
      if (seen.has(series)) continue;
      seen.add(series);
      const line = `${series} ${numberText(sample.value)}\n`;
      inOrder = inOrder && (lines.length === 0 || (lines.at(-1) ?? "") <= line);
      lines.push(line);
    }
  }
  return inOrder || type === "histogram" || type === "summary" ? lines : lines.sort();
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length === 0) return "";
  if (names.length > 1 && !isSorted(names)) names.sort();
  let text = "";
  let used: Set<string> | null = null;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] ?? "";
    const value = labels[name];
    // An empty label is the same as none.
    if (value === undefined || value === "") continue;
    const valid = labelName(name);
    if (valid !== name) {
      used ??= new Set(names);
      if (used.has(valid)) continue;
      used.add(valid);
    }
    text += `${text === "" ? "{" : ","}${valid}="${escapeLabel(value)}"`;
  }
  return text === "" ? "" : `${text}}`;
}

function isSorted(names: readonly string[]): boolean {
  for (let index = 1; index < names.length; index += 1)
    if ((names[index - 1] ?? "") > (names[index] ?? "")) return false;
  return true;
}

/** A label name that the formats accept; a leading double underscore is theirs. */
function labelName(name: string): string {
  if (/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name;
  const cleaned = name.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^_+/, "_");
  return /^[a-zA-Z_]/.test(cleaned) ? cleaned : `_${cleaned}`;
}

function escapeLabel(value: string): string {
  if (/^[\w .:/-]*$/.test(value)) return value;
  return escapeBackslashes(value.toWellFormed()).replaceAll('"', '\\"');
}

function escapeBackslashes(text: string): string {
  if (!/[\\\n]/.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
