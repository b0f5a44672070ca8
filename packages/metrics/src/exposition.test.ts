import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExpositionFormat, writeExposition } from "./exposition.ts";
import type { MetricFamily } from "./metric-family.ts";

interface ParsedFamily {
  readonly name: string;
  type: string;
  help: string;
  unit: string | null;
  readonly series: Map<string, number>;
}

/** A strict reader of both formats: it throws on what it does not expect. Series are keyed by name and labels as JSON. */
function parse(text: string): ParsedFamily[] {
  const families: ParsedFamily[] = [];
  if (text !== "" && !text.endsWith("\n")) throw new Error("no line feed at the end");
  const lines = text.split("\n").slice(0, -1);
  for (const [index, line] of lines.entries()) {
    if (line === "# EOF") {
      if (index !== lines.length - 1) throw new Error("text after # EOF");
      continue;
    }
    if (line.startsWith("#")) readComment(line, families);
    else readSample(line, families.at(-1));
  }
  const names = families.map((family) => family.name);
  if (new Set(names).size !== names.length) throw new Error("family twice");
  return families;
}

function readComment(line: string, families: ParsedFamily[]): void {
  const parts = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s.exec(line);
  if (parts === null) throw new Error(`bad comment: ${line}`);
  const [, kind, name = "", rest = ""] = parts;
  if (kind === "HELP") {
    families.push({ name, type: "", help: unescapeText(rest), unit: null, series: new Map() });
  }
  const family = families.at(-1);
  if (family === undefined || family.name !== name) throw new Error(`${kind} of another family: ${line}`);
  if (kind === "TYPE") family.type = rest;
  if (kind === "UNIT") family.unit = rest;
}

function readSample(line: string, family: ParsedFamily | undefined): void {
  const { key, name, value } = parseSample(line);
  if (family === undefined || !name.startsWith(family.name)) throw new Error(`sample of no family: ${line}`);
  if (family.series.has(key)) throw new Error(`series twice: ${line}`);
  family.series.set(key, value);
}

function parseSample(line: string): { name: string; key: string; value: number } {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  let rest = line.slice(name.length);
  const labels: [string, string][] = [];
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,(?=[a-zA-Z_])|(?=\}))/s.exec(rest);
      if (pair === null) throw new Error(`bad labels: ${line}`);
      labels.push([pair[1] ?? "", unescapeText(pair[2] ?? "")]);
      rest = rest.slice(pair[0].length);
    }
    rest = rest.slice(1);
  }
  const value = /^ (\S+)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { name, key: JSON.stringify([name, labels]), value: parseNumber(value) };
}

function parseNumber(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  if (text === "NaN") return NaN;
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) throw new Error(`no number: ${text}`);
  return Number(text);
}

function unescapeText(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => (character === "n" ? "\n" : character));
}

const requests: MetricFamily = {
  name: "app_requests_total",
  type: "counter",
  help: 'Requests, "all" of them.',
  samples: [
    { labels: { path: "/b" }, value: 2 },
    { labels: { path: "/a", code: "200" }, value: 1 },
  ],
};
const lag: MetricFamily = {
  name: "app_lag_seconds",
  type: "gauge",
  help: "Lag.",
  samples: [{ labels: {}, value: 0.5 }],
};
const build: MetricFamily = {
  name: "app_build_info",
  type: "info",
  help: "What this is.",
  samples: [{ labels: { version: "1.2.3" }, value: 1 }],
};

describe("writeExposition", () => {
  it("writes Prometheus text 0.0.4", () => {
    expect(writeExposition([requests, lag, build], "text")).toBe(
      [
        "# HELP app_build_info What this is.",
        "# TYPE app_build_info gauge",
        'app_build_info{version="1.2.3"} 1',
        "# HELP app_lag_seconds Lag.",
        "# TYPE app_lag_seconds gauge",
        "app_lag_seconds 0.5",
        '# HELP app_requests_total Requests, "all" of them.',
        "# TYPE app_requests_total counter",
        'app_requests_total{code="200",path="/a"} 1',
        'app_requests_total{path="/b"} 2',
        "",
      ].join("\n"),
    );
  });

  it("writes OpenMetrics 1.0 with units, an end mark and _total on every counter", () => {
    expect(writeExposition([requests, lag, build], "openmetrics")).toBe(
      [
        "# HELP app_build What this is.",
        "# TYPE app_build info",
        'app_build_info{version="1.2.3"} 1',
        "# HELP app_lag_seconds Lag.",
        "# TYPE app_lag_seconds gauge",
        "# UNIT app_lag_seconds seconds",
        "app_lag_seconds 0.5",
        '# HELP app_requests Requests, \\"all\\" of them.',
        "# TYPE app_requests counter",
        'app_requests_total{code="200",path="/a"} 1',
        'app_requests_total{path="/b"} 2',
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("does not depend on the order of families and samples", () => {
    const turned = { ...requests, samples: [...requests.samples].reverse() };
    expect(writeExposition([build, turned, lag], "text")).toBe(
      writeExposition([lag, requests, build], "text"),
    );
  });

  it("keeps a histogram's buckets in their order", () => {
    const buckets = ["0.1", "1", "10", "+Inf"].map((le, index) => ({
      labels: { le },
      value: index,
      suffix: "_bucket",
    }));
    const samples = [
      ...buckets,
      { labels: {}, value: 9, suffix: "_sum" },
      { labels: {}, value: 3, suffix: "_count" },
    ];
    const text = writeExposition(
      [{ name: "app_time_seconds", type: "histogram", help: "h", samples }],
      "text",
    );
    expect([...text.matchAll(/le="([^"]+)"/g)].map((match) => match[1])).toEqual(["0.1", "1", "10", "+Inf"]);
    expect(text).toContain("app_time_seconds_sum 9\napp_time_seconds_count 3\n");
  });

  it("merges families of one name and leaves out a second series with the same labels", () => {
    const again = {
      ...requests,
      samples: [
        { labels: { path: "/b" }, value: 7 },
        { labels: { path: "/c" }, value: 3 },
      ],
    };
    const [family, ...others] = parse(writeExposition([requests, again], "text"));
    expect(others).toEqual([]);
    expect([...(family?.series.values() ?? [])]).toEqual([1, 2, 3]);
  });

  it("leaves out families without samples, bad names, and counters that are no count", () => {
    const none: MetricFamily[] = [
      { name: "app_empty", type: "gauge", help: "h", samples: [] },
      { name: "app-bad name", type: "gauge", help: "h", samples: [{ labels: {}, value: 1 }] },
      { name: "app_bad_total", type: "counter", help: "h", samples: [{ labels: {}, value: -1 }] },
      { name: "app_nan_total", type: "counter", help: "h", samples: [{ labels: {}, value: NaN }] },
    ];
    expect(writeExposition(none, "text")).toBe("");
    expect(writeExposition(none, "openmetrics")).toBe("# EOF\n");
  });

  it("writes a family once where OpenMetrics knows a counter and a gauge by one name", () => {
    const gauge: MetricFamily = { ...lag, name: "app_requests" };
    expect(parse(writeExposition([requests, gauge], "openmetrics"))).toHaveLength(1);
    expect(parse(writeExposition([requests, gauge], "text"))).toHaveLength(2);
  });

  it("makes bad label names good and drops empty values", () => {
    const labels = { "a-b": "1", "9": "2", __name__: "3", empty: "" };
    const text = writeExposition([{ ...lag, samples: [{ labels, value: 1 }] }], "text");
    expect(text).toContain('app_lag_seconds{_9="2",_name__="3",a_b="1"} 1');
  });

  it("is read back as it was written, whatever the values, labels and help", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/);
    const value = fc.string({ unit: "binary", minLength: 1 });
    const sample = fc.record({
      labels: fc.dictionary(label, value, { maxKeys: 4, noNullPrototype: true }),
      value: fc.double(),
    });
    const family = fc.record({
      name: fc.stringMatching(/^f_[a-z0-9_]{1,8}[a-z]$/),
      type: fc.constantFrom("gauge" as const, "unknown" as const),
      help: fc.string({ unit: "binary", minLength: 1 }),
      samples: fc.uniqueArray(sample, {
        minLength: 1,
        maxLength: 6,
        selector: ({ labels }) => keyOf("", labels),
      }),
    });
    const families = fc.uniqueArray(family, { maxLength: 5, selector: ({ name }) => name });
    const format = fc.constantFrom<ExpositionFormat>("text", "openmetrics");
    fc.assert(
      fc.property(families, format, (input, written) => {
        const parsed = parse(writeExposition(input, written));
        expect(parsed.map(({ name }) => name)).toEqual(input.map(({ name }) => name).sort());
        for (const { name, help, samples } of input) {
          const found = parsed.find((entry) => entry.name === name);
          expect(found?.help).toBe(help.trim() === "" ? name : help.trim());
          expect(found?.series.size).toBe(samples.length);
          for (const { labels, value: number } of samples) {
            // Text has no negative zero of its own.
            expect(found?.series.get(keyOf(name, labels))).toEqual(number === 0 ? 0 : number);
          }
        }
      }),
    );
  });

  it("can be read whatever label names and broken strings come in", () => {
    const labels = fc.dictionary(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(labels), fc.boolean(), (sets, open) => {
        const samples = sets.map((set) => ({ labels: set, value: 1 }));
        parse(writeExposition([{ ...lag, samples }], open ? "openmetrics" : "text"));
      }),
    );
  });
});

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([name, sorted]);
}
