// core: pure
import type { SignalState } from "@ringrift/protocol";
import { clip, type Judgement, type Measure } from "../judgement.ts";

/** How a run of a check's program ended: its exit code, or why there is none. */
export type PluginRun =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "no_answer"; readonly reason: string };

/** The monitoring plugins' exit codes; every other one is a program that failed. */
const stateOfCode: ReadonlyMap<number, SignalState> = new Map([
  [0, "healthy"],
  [1, "degraded"],
  [2, "unhealthy"],
  [3, "unknown"],
]);

const maxReadings = 50;
const maxTextLength = 500;

/** Units of the plugins' convention, in base units, with the reading that each goes to. */
const units: Readonly<Record<string, { readonly reading: string; readonly factor: number }>> = {
  s: { reading: "custom_check_seconds", factor: 1 },
  ms: { reading: "custom_check_seconds", factor: 1e-3 },
  us: { reading: "custom_check_seconds", factor: 1e-6 },
  ns: { reading: "custom_check_seconds", factor: 1e-9 },
  "%": { reading: "custom_check_ratio", factor: 0.01 },
  B: { reading: "custom_check_bytes", factor: 1 },
  KB: { reading: "custom_check_bytes", factor: 1e3 },
  MB: { reading: "custom_check_bytes", factor: 1e6 },
  GB: { reading: "custom_check_bytes", factor: 1e9 },
  TB: { reading: "custom_check_bytes", factor: 1e12 },
  KiB: { reading: "custom_check_bytes", factor: 1024 },
  MiB: { reading: "custom_check_bytes", factor: 1024 ** 2 },
  GiB: { reading: "custom_check_bytes", factor: 1024 ** 3 },
  c: { reading: "custom_check_count_total", factor: 1 },
  "": { reading: "custom_check_value", factor: 1 },
};

/** Judges one run by its exit code; the text is the reason, the performance data become readings. */
export function judgePlugin(check: string, run: PluginRun): Judgement {
  if (run.kind === "no_answer") {
    return {
      state: "unknown",
      reason: run.reason,
      action: "Run the check's program by hand as the agent's user.",
    };
  }
  const { text, more, perfdata } = splitOutput(run.stdout);
  const known = stateOfCode.get(run.code);
  const said = text === "" ? clip(firstLine(run.stderr), maxTextLength) : clip(text, maxTextLength);
  const { measures, dropped } = parsePerfdata(perfdata, check);
  return {
    state: known ?? "unknown",
    reason: reasonOf(run.code, known, said),
    details: {
      exitCode: run.code,
      ...(more === "" ? {} : { output: clip(more, maxTextLength) }),
      ...(dropped > 0 ? { perfdataDropped: dropped } : {}),
    },
    measures,
  };
}

function reasonOf(code: number, known: SignalState | undefined, said: string): string {
  if (known === undefined) return `exit code ${code} is none of 0 to 3${said === "" ? "" : `: ${said}`}`;
  return said === "" ? `exit code ${code} without a word` : said;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]?.trim() ?? "";
}

/**
 * The parts of a plugin's output: the first line's text, further lines, and performance data, which stand behind a bar on
 * the first line and behind the first bar of the others.
 */
export function splitOutput(output: string): {
  readonly text: string;
  readonly more: string;
  readonly perfdata: string;
} {
  const [first = "", ...rest] = output.split("\n");
  const [text = "", ...data] = first.split("|");
  const [more = "", ...moreData] = rest.join("\n").split("|");
  return {
    text: text.trim(),
    more: more.trim(),
    perfdata: `${data.join(" ")} ${moreData.join(" ")}`.replaceAll("\n", " ").trim(),
  };
}

// 'label with blanks'=value unit;warning;critical;minimum;maximum, of which only value and unit are read.
const item =
  /(?:'((?:[^']|'')+)'|([^\s'=]+))=(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|U)([a-zA-Z%]*)(?:;\S*)?(?=\s|$)/g;

/** Values in base units, at most 50; items of another form, of an unknown unit or beyond the bound are counted. */
export function parsePerfdata(
  text: string,
  check: string,
): { readonly measures: readonly Measure[]; readonly dropped: number } {
  const measures: Measure[] = [];
  const seen = new Set<string>();
  let dropped = 0;
  const rest = text.replaceAll(
    item,
    (_, quoted: string | undefined, plain: string | undefined, value: string, unit: string) => {
      const label = clip((quoted?.replaceAll("''", "'") ?? plain ?? "").trim(), 100);
      const target = Object.hasOwn(units, unit) ? units[unit] : undefined;
      const number = value === "U" ? null : Number(value);
      const key = `${target?.reading}/${label}`;
      if (target === undefined || measures.length >= maxReadings || seen.has(key)) dropped += 1;
      else {
        seen.add(key);
        measures.push({
          name: target.reading,
          labels: { check, label },
          value: number === null ? null : number * target.factor,
        });
      }
      return "";
    },
  );
  return { measures, dropped: dropped + rest.split(/\s+/).filter((piece) => piece !== "").length };
}
