import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { acceptedText, type Setting, settings } from "@ringrift/config";
import { createProbes, type Probe, readingCatalog } from "@ringrift/probes";
import { type Threshold, thresholds } from "@ringrift/protocol";
import { repositoryRoot } from "./workspace.ts";

/** A page that is written from a table in the code. */
interface GeneratedPage {
  readonly path: string;
  readonly text: string;
}

/** A Markdown table with one line per row; a bar inside a cell is escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `docs/thresholds.md`: every threshold with its variable, default and range. */
export function thresholdsPage(table: Readonly<Record<string, Threshold>>): string {
  const rows = Object.entries(table).map(([name, { env, unit, default: value, min, max, meaning }]) => [
    `\`${name}\``,
    `\`${env}\``,
    `${value}`,
    unit,
    `${min} to ${max}`,
    meaning,
  ]);
  return `${[
    "# Thresholds",
    "Written by `scripts/generate-docs.ts` from `packages/protocol/src/thresholds.ts`: change the table there.",
    "A value outside its range stops the program with exit code 78. Comparisons are strict where the meaning says above or below.",
    markdownTable(["threshold", "variable", "default", "unit", "range", "meaning"], rows),
  ].join("\n\n")}\n`;
}

/** `docs/settings.md`: every setting that is not a threshold, with the programs that read it. */
export function settingsPage(table: readonly Setting[]): string {
  const rows = table
    .filter(({ threshold }) => threshold === undefined)
    .map((setting) => [
      `\`${setting.env}\``,
      `\`--${setting.flag}\``,
      `\`${setting.key}\``,
      setting.default === null ? (setting.defaultText ?? "none") : `\`${setting.default}\``,
      acceptedText(setting),
      setting.programs.join(", "),
      setting.meaning,
    ]);
  return `${[
    "# Settings",
    "Written by `scripts/generate-docs.ts` from `packages/config/src/settings.ts`: change the table there.",
    "A flag wins over the variable, the variable over the file, the file over the default. The file is the one that `--config` or `RINGRIFT_CONFIG` names. An unknown key or a value that is not accepted stops the program with exit code 78. Thresholds are settings too: see [thresholds](thresholds.md).",
    markdownTable(
      ["variable", "flag", "key in the file", "default", "accepted", "programs", "meaning"],
      rows,
    ),
  ].join("\n\n")}\n`;
}

/** `docs/checks/<name>.md`: what a check reads, when it is in which state, and what to do then. */
export function checkPage(probe: Omit<Probe, "run">): GeneratedPage {
  const { name, title, reads, intervalSeconds, timeoutSeconds, cost, confirm, rules } = probe;
  const told =
    confirm === undefined
      ? "A fault is told at once, and so is its end."
      : `A fault is told once ${confirm.raise} runs in a row have seen it, its end after ${confirm.clear}; \`unknown\` is told at once.`;
  return {
    path: `docs/checks/${name}.md`,
    text: `${[
      `# ${title} (\`${name}\`)`,
      "Written by `scripts/generate-docs.ts` from the check's own file in `packages/probes/src`: change it there.",
      `Reads ${reads}.`,
      `Runs every ${intervalSeconds} s, or more often where \`RINGRIFT_HEALTH_CHECK_INTERVAL\` says so, for at most ${timeoutSeconds} s. Costs ${cost}. ${told}`,
      markdownTable(
        ["state", "when", "what to do"],
        rules.map(({ state, when, advice }) => [state, when, advice]),
      ),
      ...readingsOf(name),
      "In every other case the check is healthy. A run that fails or hangs is `unknown` with its reason. See it on a host with `ringrift scan`.",
    ].join("\n\n")}\n`,
  };
}

/** The readings of a check, with their names as metrics. */
function readingsOf(check: string): string[] {
  const rows = (readingCatalog[check] ?? []).map(({ name, labels, meaning }) => [
    `\`ringrift_${name}\``,
    labels.map((label) => `\`${label}\``).join(", "),
    meaning,
  ]);
  return rows.length === 0
    ? []
    : ["## Metrics", markdownTable(["metric", "labels beside `node`", "meaning"], rows)];
}

/** `docs/checks/README.md`: all checks on one page. */
export function checksPage(probes: readonly Omit<Probe, "run">[]): GeneratedPage {
  const rows = probes.map(({ name, title, reads, intervalSeconds, cost }) => [
    `[\`${name}\`](${name}.md)`,
    title,
    reads,
    `${intervalSeconds} s`,
    cost,
  ]);
  return {
    path: "docs/checks/README.md",
    text: `${[
      "# The checks of a host",
      "Written by `scripts/generate-docs.ts` from `packages/probes/src/registry.ts`. Your own checks and metric files: see [custom checks](../custom-checks.md).",
      markdownTable(["check", "of", "reads", "every", "cost of a run"], rows),
    ].join("\n\n")}\n`,
  };
}

/** The first line that differs, as a hint; null when the page is up to date. */
export function staleness(page: GeneratedPage, current: string | null): string | null {
  if (current === page.text) return null;
  if (current === null) return `${page.path} does not exist`;
  const written = current.split("\n");
  const wanted = page.text.split("\n");
  const index = wanted.findIndex((line, at) => line !== written[at]);
  const at = index === -1 ? wanted.length : index;
  return [
    `${page.path}:${at + 1} is out of date`,
    `  written: ${written[at] ?? "(end of file)"}`,
    `  in code: ${wanted[at] ?? "(end of file)"}`,
  ].join("\n");
}

function main(check: boolean): void {
  const probes = createProbes({ nvidiaSmi: "nvidia-smi", expectedGpus: null, nowSeconds: () => 0 });
  const pages: readonly GeneratedPage[] = [
    { path: "docs/settings.md", text: settingsPage(settings) },
    { path: "docs/thresholds.md", text: thresholdsPage(thresholds) },
    checksPage(probes),
    ...probes.map(checkPage),
  ];
  for (const page of pages) {
    const path = join(repositoryRoot, page.path);
    const stale = staleness(page, existsSync(path) ? readFileSync(path, "utf8") : null);
    if (stale === null) continue;
    if (check) {
      console.error(`${stale}\n  run: npx pnpm@12 run docs`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, page.text);
    console.log(`wrote ${page.path}`);
  }
  if (check && process.exitCode !== 1) console.log(`docs: ${pages.length} pages are up to date`);
}

if (import.meta.main) main(process.argv.includes("--check"));
