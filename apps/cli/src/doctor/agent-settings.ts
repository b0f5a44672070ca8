import {
  ConfigError,
  type ConfigProblem,
  loadConfig,
  type NodeAgentConfig,
  settings,
} from "@ringrift/config";
import { nearestName } from "@ringrift/protocol";
import { type Finding, finding } from "./finding.ts";

type Values = Readonly<Record<string, string | undefined>>;

/** Where settings are given. */
interface Given {
  readonly flags: Values;
  readonly env: Values;
}

const check = "settings";

/**
 * The settings that an agent would start with here. Bad ones are told and left out, so that the rest of the host can still be
 * looked at.
 */
export function readSettings(given: Given): { config: NodeAgentConfig; findings: Finding[] } {
  const { config, problems } = loadWhatIsGood(given);
  const isGiven = config.entries.filter(({ source }) => source !== "default").length;
  const findings = [
    ...problems.map(problemFinding),
    ...strangeVariables(given.env),
    ...config.warnings.map((warning) => finding(check, "warning", warning)),
  ];
  if (problems.length === 0)
    findings.unshift(
      isGiven === 0
        ? finding(check, "ok", "none is given: everything is at its default")
        : finding(check, "ok", `${isGiven} given, the others are at their defaults`),
    );
  return { config, findings };
}

function loadWhatIsGood(given: Given): { config: NodeAgentConfig; problems: readonly ConfigProblem[] } {
  let problems: readonly ConfigProblem[] | null = null;
  for (let left = given; ; ) {
    try {
      return { config: loadConfig("node-agent", left), problems: problems ?? [] };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems ??= error.problems;
      left = without(left, error.problems);
    }
  }
}

/** Takes out what has a problem: flags and variables by name, then a file as a whole, at last everything. */
function without(given: Given, problems: readonly ConfigProblem[]): Given {
  const bad = new Set(problems.flatMap(({ key, source }) => [key, source]));
  const named = keep(given, (name) => !bad.has(name));
  if (sizeOf(named) < sizeOf(given)) return named;
  const withoutFile = keep(given, (name) => name !== "--config" && name !== "RINGRIFT_CONFIG");
  if (sizeOf(withoutFile) < sizeOf(given)) return withoutFile;
  // The host's own name may be no name for a node.
  return { flags: { "node-id": "this-host" }, env: {} };
}

function keep({ flags, env }: Given, isGood: (name: string) => boolean): Given {
  const part = (values: Values, prefix: string): Values =>
    Object.fromEntries(Object.entries(values).filter(([name]) => isGood(prefix + name)));
  return { flags: part(flags, "--"), env: part(env, "") };
}

function sizeOf({ flags, env }: Given): number {
  return Object.keys(flags).length + Object.keys(env).length;
}

function problemFinding({ key, source, value, problem }: ConfigProblem): Finding {
  const shown = value === null ? "" : ` = ${JSON.stringify(value)}`;
  const from = source === key || source === "environment" ? "" : ` (from ${source})`;
  return finding(
    check,
    "failed",
    `${key}${shown}${from}: ${problem}`,
    "An agent would not start: correct it. All else is looked at as if it were not given.",
  );
}

/** Variables that look like ours and are nobody's: they are no mistake to the agent, which does not see them. */
function strangeVariables(env: Values): Finding[] {
  const known = settings.map((setting) => setting.env);
  return Object.keys(env)
    .filter((name) => /^_?ring/i.test(name) && !name.startsWith("RINGRIFT_"))
    .flatMap((name) => {
      const near = nearestName(name, known);
      if (near === null) return [];
      return [finding(check, "warning", `the variable ${name} is read by nobody`, `Did you mean ${near}?`)];
    });
}
