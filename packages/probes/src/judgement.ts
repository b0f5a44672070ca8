import { type CheckReport, maxReadingsPerCheck, type Reading, type SignalState } from "@ringrift/protocol";

/** What a pure judge says of what was read. */
export interface Judgement {
  readonly state: SignalState;
  readonly reason: string;
  readonly action?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly measures?: readonly Measure[];
}

/** A value without its time and source; null with `absence` where there is none. */
export interface Measure {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | null;
  readonly absence?: "unknown" | "not_applicable";
  /** Where it is older than its report, seconds since 1970. */
  readonly observedAt?: number;
}

const maxLabelLength = 200;
const maxSourceLength = 100;
const maxTextLength = 1000;

/** A judgement with its time, source and duration: what leaves the probe. Surplus readings are cut and counted. */
export function toReport(
  check: string,
  reads: string,
  judgement: Judgement,
  observedAt: number,
  startedAt: number,
): CheckReport {
  const measures = judgement.measures ?? [];
  const kept = measures.slice(0, maxReadingsPerCheck);
  const dropped = measures.length - kept.length;
  return {
    check,
    state: judgement.state,
    reason: clip(judgement.reason, maxTextLength),
    ...(judgement.action === undefined ? {} : { action: clip(judgement.action, maxTextLength) }),
    details: { ...judgement.details, ...(dropped > 0 ? { readingsDropped: dropped } : {}) },
    readings: kept.map((measure) => toReading(measure, sourceOf(reads), observedAt)),
    observedAt,
    durationSeconds: Math.max(0, observedAt - startedAt),
  };
}

/** The part of a probe's `reads` before its explanation. */
function sourceOf(reads: string): string {
  return clip(reads.split(":", 1)[0] ?? "", maxSourceLength);
}

function toReading(measure: Measure, source: string, observedAt: number): Reading {
  const labels: Record<string, string> = {};
  for (const [key, text] of Object.entries(measure.labels ?? {})) labels[key] = clip(text, maxLabelLength);
  const value = measure.value !== null && Number.isFinite(measure.value) ? measure.value : null;
  return {
    name: measure.name,
    labels,
    source,
    observedAt: measure.observedAt ?? observedAt,
    value,
    ...(value === null ? { absence: measure.absence ?? "unknown" } : {}),
  };
}

/** `text` in at most `limit` characters, with an ellipsis where it was cut. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** A ratio as people read it: `0.913` is `91%`. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes as people read them: `1073741824` is `1.0 GiB`. */
export function byteText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? "B"}`;
}
