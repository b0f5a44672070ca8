import { stripVTControlCharacters, styleText } from "node:util";

export type Tone = "ok" | "warn" | "bad" | "dim";

/** Colours a word where the terminal can show it; `util.styleText` honours NO_COLOR and pipes. */
export function tint(text: string, tone: Tone): string {
  const format = { ok: "green", warn: "yellow", bad: "red", dim: "gray" } as const;
  return styleText(format[tone], text, { stream: process.stdout });
}

const tones: Readonly<Record<string, Tone>> = {
  healthy: "ok",
  alive: "ok",
  running: "ok",
  completed: "ok",
  degraded: "warn",
  suspect: "warn",
  starting: "warn",
  restarting: "warn",
  paused: "warn",
  unhealthy: "bad",
  critical: "bad",
  evicted: "bad",
  offline: "bad",
  down: "bad",
  failed: "bad",
  stuck: "bad",
  start_refused: "bad",
};
const glyphs: Readonly<Record<Tone, string>> = { ok: "●", warn: "▲", bad: "■", dim: "○" };

/** Glyph and word of a state, so that colour is never the only sign. */
export function stateWord(word: string): string {
  const tone = tones[word.toLowerCase()] ?? "dim";
  return tint(`${glyphs[tone]} ${word}`, tone);
}

/** Rows under a heading, columns padded to their widest cell. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (text: string): number => stripVTControlCharacters(text).length;
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => width(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd();
  return [tint(line(heading), "dim"), ...rows.map(line)].join("\n");
}

/** How long ago, for people; never for null. */
export function age(seconds: number | null): string {
  return seconds === null ? "never" : `${span(seconds)} ago`;
}

/** A span of time, for people. */
export function span(seconds: number): string {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** An amount of memory, for people. */
export function megabytes(bytes: number): string {
  const amount = bytes / 1024 / 1024;
  return amount < 1024
    ? `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} MB`
    : `${(amount / 1024).toFixed(1)} GB`;
}
