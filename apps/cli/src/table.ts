import { stripVTControlCharacters, styleText } from "node:util";

export type Tone = "ok" | "warn" | "bad" | "dim";

/** Colours a word where the terminal can show it; `util.styleText` honours NO_COLOR and pipes. */
export function tint(text: string, tone: Tone): string {
  const format = { ok: "green", warn: "yellow", bad: "red", dim: "gray" } as const;
  return styleText(format[tone], text, { stream: process.stdout });
}

const tones: Readonly<Record<string, Tone>> = {
  ok: "ok",
  healthy: "ok",
  alive: "ok",
  running: "ok",
  completed: "ok",
  warning: "warn",
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

/** A last column that is narrower than this is not worth its lines. */
const narrowest = 24;

/** Columns of the terminal; without one, lines are as long as they are. */
function screenWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
}

const visible = (text: string): number => stripVTControlCharacters(text).length;

/** Rows under a heading, columns padded to their widest cell; the last one is wrapped at the screen's edge. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  width: number = screenWidth(),
): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ""))),
  );
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const room = Math.max(narrowest, width - before);
  const line = (cells: readonly string[]): string => {
    const start = cells
      .slice(0, -1)
      .map((cell, column) => `${cell}${" ".repeat(Math.max(0, (widths[column] ?? 0) - visible(cell)))}  `);
    const [first = "", ...more] = wordLines(cells.at(-1) ?? "", room);
    return [`${start.join("")}${first}`.trimEnd(), ...more.map((text) => " ".repeat(before) + text)].join(
      "\n",
    );
  };
  return [tint(line(heading), "dim"), ...rows.map(line)].join("\n");
}

/** Text in lines that fit on the screen, each after so many blanks. */
export function wrap(text: string, indent: number, width: number = screenWidth()): string {
  const blanks = " ".repeat(indent);
  return wordLines(text, Math.max(narrowest, width - indent))
    .map((line) => blanks + line)
    .join("\n");
}

/** Lines of whole words; one that is longer than a line is cut into pieces. */
function wordLines(text: string, room: number): string[] {
  if (visible(text) <= room) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && visible(line) + 1 + visible(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
    while (visible(line) > room && line === stripVTControlCharacters(line)) {
      lines.push(line.slice(0, room));
      line = line.slice(room);
    }
  }
  return line === "" ? lines : [...lines, line];
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

/** A moment, seconds since 1970, for people. */
export function dateTime(at: number): string {
  return `${new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** An amount of memory, for people. */
export function megabytes(bytes: number): string {
  const amount = bytes / 1024 / 1024;
  return amount < 1024
    ? `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} MB`
    : `${(amount / 1024).toFixed(1)} GB`;
}
