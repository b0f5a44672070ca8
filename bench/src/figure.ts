/** Another program measured in the same run, by the same method. */
interface Peer {
  readonly name: string;
  readonly version: string;
  readonly value: number;
}

/** One measured figure; `value` is the median where `runs` were made. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Every run, in the order in which they were made. */
  readonly runs?: readonly number[];
  readonly peer?: Peer;
  /** Why no peer stands beside it, where one was wanted: "serf is not installed". */
  readonly note?: string;
}

/** The middle of `values`. @throws Error when there are none */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between closest ranks. @param q 0-1 @throws Error when there are no values */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error("no values to take a quantile of");
  return low + (high - low) * (at - Math.floor(at));
}

/** A table for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, value, runs, peer, note }) => [
    name,
    `${round(value)} ${unit}`,
    runs === undefined || runs.length < 2
      ? ""
      : `${round(Math.min(...runs))}-${round(Math.max(...runs))}, ${runs.length} runs`,
    peer === undefined ? (note ?? "") : `${peer.name} ${peer.version}: ${round(peer.value)} ${unit}`,
    peer === undefined ? "" : `x${round(value / peer.value)}`,
  ]);
  const all = [["figure", "ours", "range", "peer", "ours / peer"], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** One line of JSON for scripts. */
export function jsonLine({ name, unit, value, runs, peer }: Figure): string {
  return JSON.stringify({
    name,
    unit,
    value,
    ...(runs === undefined ? {} : { runs }),
    ...(peer === undefined ? {} : { ratio: value / peer.value, peer }),
  });
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
