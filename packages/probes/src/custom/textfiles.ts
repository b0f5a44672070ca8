import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "@ringrift/protocol";
import { hostProbe } from "../host/host-probe.ts";
import type { Judgement } from "../judgement.ts";
import type { Probe } from "../probe.ts";
import { parseTextfile, type TextFamily } from "./textfile-parse.ts";

/** Metric files of a folder: the check that watches over them, and what they say. */
export interface Textfiles {
  readonly probe: Probe;
  /** Of the last run: every series of every file that is fresh and whole. */
  families(): readonly TextFamily[];
}

/** What one file brought. */
interface FileReading {
  readonly file: string;
  readonly ageSeconds: number;
  readonly families: readonly TextFamily[];
  readonly problem: string | null;
}

const maxFiles = 64;
const maxFileBytes = 512 * 1024;
const maxSeries = 5000;
const staleSeconds = 3600;

/** Judges all files together; a stale or broken one brings no series, so that an old value never looks new. */
function judgeTextfiles(readings: readonly FileReading[], skipped: number): Judgement {
  const bad = readings.filter(({ problem }) => problem !== null);
  const measures = readings.flatMap(({ file, ageSeconds, families }) => [
    { name: "textfile_age_seconds", labels: { file }, value: ageSeconds },
    { name: "textfile_series", labels: { file }, value: seriesOf(families) },
  ]);
  const details = {
    files: readings.map(({ file, ageSeconds, problem }) => ({ file, ageSeconds, problem })),
    skipped,
  };
  if (bad.length === 0 && skipped === 0) {
    const reason =
      readings.length === 1 ? "1 metric file is fresh" : `${readings.length} metric files are fresh`;
    return { state: "healthy", reason, details, measures };
  }
  const reasons = bad.map(({ file, problem }) => `${file} ${problem ?? ""}`);
  if (skipped > 0) reasons.push(`${skipped} files or series are beyond the bounds`);
  return {
    state: "degraded",
    reason: reasons.join("; "),
    action: "Look at what writes the file: it should write a new one and rename it over the old.",
    details,
    measures,
  };
}

function seriesOf(families: readonly TextFamily[]): number {
  return families.reduce((sum, { samples }) => sum + samples.length, 0);
}

function readFile(folder: string, file: string, nowSeconds: number): FileReading {
  const bad = (ageSeconds: number, problem: string): FileReading => ({
    file,
    ageSeconds,
    families: [],
    problem,
  });
  try {
    const path = join(folder, file);
    const { mtimeMs, size } = statSync(path);
    const ageSeconds = Math.max(0, nowSeconds - mtimeMs / 1000);
    if (size > maxFileBytes) return bad(ageSeconds, `is larger than ${maxFileBytes} bytes`);
    if (ageSeconds > staleSeconds) return bad(ageSeconds, `is ${Math.round(ageSeconds / 60)} minutes old`);
    const read = parseTextfile(readFileSync(path, "utf8"));
    if (!read.ok) return bad(ageSeconds, `line ${read.line} ${read.problem}`);
    return { file, ageSeconds, families: read.families, problem: null };
  } catch (error) {
    return bad(0, `cannot be read: ${errorText(error)}`);
  }
}

export function createTextfiles(folder: string, nowSeconds: () => number): Textfiles {
  let current: readonly TextFamily[] = [];
  const probe = hostProbe(
    {
      name: "textfiles",
      title: "Metric files",
      reads: `${folder}: every *.prom file, as Prometheus text`,
      intervalSeconds: 15,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `a file is older than ${staleSeconds / 3600} hour, broken, or beyond the bounds (${maxFiles} files, ${maxFileBytes / 1024} KiB each, ${maxSeries} series)`,
          advice: "Look at what writes the file: it should write a new one and rename it over the old.",
        },
        {
          state: "unknown",
          when: "the folder cannot be read",
          advice: "Check RINGRIFT_METRICS_DIR and its permissions.",
        },
      ],
      cost: "reading and parsing the files",
      async check() {
        current = [];
        const all = readdirSync(folder)
          .filter((file) => file.endsWith(".prom"))
          .sort();
        const readings = all.slice(0, maxFiles).map((file) => readFile(folder, file, nowSeconds()));
        const families = readings.flatMap((reading) => reading.families);
        let left = maxSeries;
        current = families.map((family) => {
          const samples = family.samples.slice(0, left);
          left -= samples.length;
          return { ...family, samples };
        });
        const skipped = Math.max(0, all.length - maxFiles) + Math.max(0, seriesOf(families) - maxSeries);
        return { judgement: judgeTextfiles(readings, skipped) };
      },
    },
    nowSeconds,
  );
  return { probe, families: () => current };
}
