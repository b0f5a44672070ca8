import { RingRiftError } from "@ringrift/protocol";

/** One thing wrong with the configuration. */
export interface ConfigProblem {
  /** The setting's key, or the name that was not understood. */
  readonly key: string;
  /** Where it was given: a variable's name, `--flag`, `file:line:column`, or `default`. */
  readonly source: string;
  /** The value as given, masked when secret; null when there is none to show. */
  readonly value: string | null;
  /** What is wrong and what is accepted. */
  readonly problem: string;
}

/** The configuration cannot be used; `problems` names everything that is wrong with it, not just the first thing. */
export class ConfigError extends RingRiftError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`Bad configuration, ${count}:\n${problems.map((entry) => `  ${problemText(entry)}`).join("\n")}`, {
      code: "CONFIG_INVALID",
      nextStep: "Correct the values named above; `config check` tries them without starting anything.",
    });
    this.problems = problems;
  }
}

function problemText({ key, source, value, problem }: ConfigProblem): string {
  const shown = value === null ? "" : ` = ${JSON.stringify(value)}`;
  return `${key}${shown} (from ${source}): ${problem}`;
}
