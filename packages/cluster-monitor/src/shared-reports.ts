// core: pure
import type { CheckReport, Reading } from "@ringrift/protocol";

type Labels = Reading["labels"];

/** Distinct texts and sets of labels that are shared; a fleet of like hosts has some thousands. */
const maxShared = 20_000;
/** Longer ones are rare, and would let a peer that means ill fill the memory. */
const maxSharedLength = 500;

/**
 * Keeps once what a fleet's reports say again and again: names, labels, sources, and all that is equal to a node's report
 * before. Without it, 5,000 nodes with 83 readings each hold five times as much memory.
 */
export class SharedReports {
  readonly #texts = new Map<string, string>();
  readonly #labels = new Map<string, Labels>();

  /** The check in parts that others hold as well; equal to `next`. `before`: the check's last run on the same node. */
  check(before: CheckReport | undefined, next: CheckReport): CheckReport {
    const readings = next.readings.map((reading, index) => this.#reading(before?.readings[index], reading));
    return {
      check: this.#text(next.check),
      state: next.state,
      reason: before?.reason === next.reason ? before.reason : next.reason,
      ...(next.action === undefined ? {} : { action: this.#text(next.action) }),
      details: shared(before?.details, next.details),
      readings: sameItems(before?.readings, readings) ? before.readings : readings,
      observedAt: next.observedAt,
      durationSeconds: next.durationSeconds,
    };
  }

  #reading(before: Reading | undefined, next: Reading): Reading {
    const isSeriesBefore =
      before?.name === next.name && before.source === next.source && isSameLabels(before.labels, next.labels);
    if (
      isSeriesBefore &&
      before.value === next.value &&
      before.observedAt === next.observedAt &&
      before.absence === next.absence
    )
      return before;
    const { name, labels, source } = isSeriesBefore ? before : this.#series(next);
    const { observedAt, value, absence } = next;
    // One shape for almost all readings, without the room that an absent field would take.
    if (absence === undefined) return { name, labels, source, observedAt, value };
    return { name, labels, source, observedAt, value, absence };
  }

  #series({ name, labels, source }: Reading): Pick<Reading, "name" | "labels" | "source"> {
    return { name: this.#text(name), labels: this.#labelsOf(labels), source: this.#text(source) };
  }

  #text(text: string): string {
    return kept(this.#texts, text, text);
  }

  #labelsOf(labels: Labels): Labels {
    return kept(this.#labels, JSON.stringify(labels), labels);
  }
}

/** What was kept under that key first. Past the bound it begins anew: what nodes still hold stays theirs. */
function kept<Value>(pool: Map<string, Value>, key: string, value: Value): Value {
  const known = pool.get(key);
  if (known !== undefined) return known;
  if (key.length > maxSharedLength) return value;
  if (pool.size >= maxShared) pool.clear();
  pool.set(key, value);
  return value;
}

function isSameLabels(before: Labels, next: Labels): boolean {
  const keys = Object.keys(next);
  return keys.length === Object.keys(before).length && keys.every((key) => before[key] === next[key]);
}

function sameItems(
  before: readonly Reading[] | undefined,
  next: readonly Reading[],
): before is readonly Reading[] {
  return before?.length === next.length && next.every((reading, index) => reading === before[index]);
}

/** `before` where it says the same as `next`, for what came as JSON. */
export function shared<Value>(before: Value | undefined, next: Value): Value {
  return before !== undefined && isEqual(before, next) ? before : next;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(other);
  return (
    keys.length === Object.keys(one).length &&
    keys.every((key) => Object.hasOwn(one, key) && isEqual(one[key], other[key]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
