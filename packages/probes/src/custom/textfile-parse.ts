// core: pure

/** One series of a file, as it is written there. */
interface TextSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TextFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "unknown";
  readonly help: string;
  readonly samples: readonly TextSample[];
}

export type TextfileReading =
  | { readonly ok: true; readonly families: readonly TextFamily[] }
  | { readonly ok: false; readonly line: number; readonly problem: string };

const maxSamples = 2000;
const maxLabels = 20;
const maxLabelLength = 200;

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(\S+))?$/;
const labelPair = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(,|$)/;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Names that are this program's own: a file may not speak in its place. */
const reserved = /^(?:ringrift|process|nodejs)_/;

/**
 * Reads Prometheus text 0.0.4. A file is taken whole or not at all: half of one would be a wrong answer. Histograms and
 * summaries are refused, as are time stamps: a scraper would take an old value for a new one.
 */
export function parseTextfile(text: string): TextfileReading {
  const heads = new Map<string, { type?: TextFamily["type"]; help?: string }>();
  const samples = new Map<string, TextSample[]>();
  let count = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    if (line.startsWith("#")) {
      const problem = readComment(line, heads);
      if (problem !== null) return { ok: false, line: index + 1, problem };
      continue;
    }
    const sample = readSample(line);
    if (typeof sample === "string") return { ok: false, line: index + 1, problem: sample };
    count += 1;
    if (count > maxSamples)
      return { ok: false, line: index + 1, problem: `is one of more than ${maxSamples} samples` };
    const list = samples.get(sample.name);
    if (list === undefined) samples.set(sample.name, [sample]);
    else list.push(sample);
  }
  const families = [...samples].map(([name, list]) => {
    const { type = "unknown", help = "From a text file on this host." } = heads.get(name) ?? {};
    return { name, type, help, samples: list };
  });
  return { ok: true, families };
}

/** @returns what is wrong with the line; null when nothing is. */
function readComment(
  line: string,
  heads: Map<string, { type?: TextFamily["type"]; help?: string }>,
): string | null {
  const [, kind, name = "", rest = ""] = /^#\s*(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
  if (kind === "HELP") heads.set(name, { ...heads.get(name), help: rest });
  if (kind !== "TYPE") return null;
  const type = typeOf(rest);
  if (type === null) return `type ${rest.slice(0, 40)} is not offered`;
  heads.set(name, { ...heads.get(name), type });
  return null;
}

/** @returns the sample, or what is wrong with the line. */
function readSample(line: string): TextSample | string {
  const [, name, labelText, valueText = "", timestamp] = sampleLine.exec(line) ?? [];
  if (name === undefined) return "is no sample";
  if (reserved.test(name)) return `${name} is a name of RingRift's own metrics`;
  if (timestamp !== undefined) return "has a time stamp";
  const value = parseValue(valueText);
  if (value === null) return "has no number";
  const labels = parseLabels(labelText ?? "");
  return labels === null ? "has labels of another form, or too many" : { name, labels, value };
}

function typeOf(text: string): TextFamily["type"] | null {
  if (text === "counter" || text === "gauge") return text;
  return text === "untyped" ? "unknown" : null;
}

function parseValue(text: string): number | null {
  if (/^[+-]?Inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (text === "NaN") return Number.NaN;
  return decimal.test(text) ? Number(text) : null;
}

function parseLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  let rest = text;
  let count = 0;
  while (rest.trim() !== "") {
    const [whole, name, value = ""] = labelPair.exec(rest) ?? [];
    count += 1;
    if (whole === undefined || name === undefined || Object.hasOwn(labels, name) || count > maxLabels)
      return null;
    if (value.length > maxLabelLength) return null;
    labels[name] = value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
    rest = rest.slice(whole.length);
  }
  return labels;
}
