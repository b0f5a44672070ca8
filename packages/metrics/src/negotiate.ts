// core: pure
import { contentTypeOf, type ExpositionFormat, writeExposition } from "./exposition.ts";
import type { MetricFamily } from "./metric-family.ts";

interface Range {
  readonly type: string;
  readonly version: string | null;
  readonly quality: number;
}

const longestHeader = 2000;

/**
 * The format that an Accept header prefers by its q-values. Text where nothing is asked for, where anything goes, or
 * where neither format is accepted: a scraper that cannot read it says so itself.
 */
export function negotiate(accept: string | undefined): ExpositionFormat {
  if (accept === undefined || accept.length > longestHeader) return "text";
  let openMetrics = 0;
  let text = 0;
  for (const { type, version, quality } of accept.split(",").map(parseRange)) {
    if (type === "application/openmetrics-text" && (version === null || version === "1.0.0")) {
      openMetrics = Math.max(openMetrics, quality);
    } else if (type === "text/plain" && (version === null || version === "0.0.4")) {
      text = Math.max(text, quality);
    }
  }
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "text";
}

/** The page for one scrape: the families in the format that the Accept header prefers. */
export function expose(
  families: readonly MetricFamily[],
  accept: string | undefined,
): { readonly contentType: string; readonly body: string } {
  const format = negotiate(accept);
  return { contentType: contentTypeOf(format), body: writeExposition(families, format) };
}

function parseRange(part: string): Range {
  const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
  let version: string | null = null;
  let quality = 1;
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=").map((piece) => piece.trim());
    if (name === "version") version = value.replace(/^"(.*)"$/, "$1");
    // A quality that is none counts as refused, the safe reading of a broken header.
    if (name === "q") quality = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0;
  }
  return { type, version, quality };
}
