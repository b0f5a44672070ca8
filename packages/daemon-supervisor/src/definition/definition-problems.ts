// core: pure
// Mistakes that no single key shows: they are between keys, or between daemons.
import { RingRiftError } from "@ringrift/protocol";
import { DaemonPlan } from "../core/daemon-plan.ts";
import { findCycles } from "../core/dependency-graph.ts";
import { unreachableLimit } from "../core/restart-policy.ts";
import type { DaemonDefinition, DefinitionProblem } from "./definition.ts";

/** Everything that keeps a set of definitions from being supervised together. */
export function findProblems(definitions: readonly DaemonDefinition[]): DefinitionProblem[] {
  const first = new Map<string, number>();
  for (const [index, { name }] of definitions.entries()) if (!first.has(name)) first.set(name, index);
  return [
    ...definitions.flatMap((definition, index) => [
      ...duplicateProblems(definition, index, first),
      ...restartProblems(definition, index),
      ...dependencyProblems(definition, index, definitions),
    ]),
    ...cycleProblems(definitions, first),
  ];
}

function duplicateProblems(
  { name }: DaemonDefinition,
  index: number,
  first: ReadonlyMap<string, number>,
): DefinitionProblem[] {
  const earlier = first.get(name);
  if (earlier === index) return [];
  return [{ path: ["daemons", index, "name"], reason: `duplicate name "${name}", also daemons[${earlier}]` }];
}

function restartProblems({ restart, exits, schedule }: DaemonDefinition, index: number): DefinitionProblem[] {
  const problem = (key: string | null, reason: string): DefinitionProblem => ({
    path: ["daemons", index, "restart", ...(key === null ? [] : [key])],
    reason,
  });
  const problems: DefinitionProblem[] = [];
  if (restart.maxDelayMs < restart.firstDelayMs)
    problems.push(
      problem(
        "maxDelaySeconds",
        `${restart.maxDelayMs / 1000} s is less than firstDelaySeconds, ${restart.firstDelayMs / 1000} s`,
      ),
    );
  const unreachable = unreachableLimit(restart);
  if (unreachable !== null) problems.push(problem(null, unreachable));
  const both = exits.force.filter((exit) => exits.prevent.includes(exit));
  if (both.length > 0) problems.push(problem("force", `${both.join(", ")} is also in prevent`));
  if (schedule !== null && exits.mode === "always")
    problems.push(problem("mode", "a job that is always restarted would never wait for its schedule"));
  return problems;
}

function dependencyProblems(
  { dependsOn }: DaemonDefinition,
  index: number,
  definitions: readonly DaemonDefinition[],
): DefinitionProblem[] {
  return dependsOn.flatMap(({ name, condition, whenLost }, place) => {
    const path = ["daemons", index, "dependsOn", place];
    const other = definitions.find((one) => one.name === name);
    if (other === undefined) {
      const known = definitions.map((one) => one.name).slice(0, 20);
      return [{ path, reason: `unknown daemon "${name}"; defined are ${known.join(", ")}` }];
    }
    if (condition === "completed" && other.exits.mode === "always")
      return [
        {
          path,
          reason: `${name} never completes, since its restart mode is always; on-failure or never would let it`,
        },
      ];
    if (condition === "completed" && whenLost !== "keep")
      return [{ path, reason: `whenLost is ${whenLost}, but what has completed cannot be lost` }];
    return [];
  });
}

function cycleProblems(
  definitions: readonly DaemonDefinition[],
  first: ReadonlyMap<string, number>,
): DefinitionProblem[] {
  return findCycles(new DaemonPlan(definitions).nodes()).map((cycle) => {
    const index = first.get(cycle[0] ?? "") ?? 0;
    // A group's order is a dependency that is written nowhere, so it is said.
    const inGroup = cycle.some((name, i) => {
      const next = cycle[i + 1];
      const own = definitions.find((one) => one.name === name)?.dependsOn ?? [];
      return next !== undefined && !own.some((one) => one.name === next);
    });
    const note = inGroup ? "; members of a group wait for the one defined before them" : "";
    return {
      path: ["daemons", index, inGroup ? "group" : "dependsOn"],
      reason: `dependency cycle: ${cycle.join(" -> ")}${note}`,
    };
  });
}

/**
 * Refuses a set of definitions that cannot be supervised together.
 * @throws RingRiftError `DAEMONS_INVALID` with every problem found.
 */
export function checkDefinitions(definitions: readonly DaemonDefinition[]): void {
  const problems = findProblems(definitions);
  if (problems.length > 0) throw problemsError(problems.map(problemText));
}

/** One error for many problems; at most 20 are spelt out. */
export function problemsError(texts: readonly string[]): RingRiftError {
  const more = texts.length > 20 ? [`and ${texts.length - 20} more`] : [];
  return new RingRiftError([...texts.slice(0, 20), ...more].join("\n"), {
    code: "DAEMONS_INVALID",
    nextStep: "Correct the daemon definitions and load them again; nothing was changed.",
  });
}

/** `daemons[1].restart: reason`. */
export function problemText(problem: DefinitionProblem): string {
  const key = problem.path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
  return `${key === "" ? "(top level)" : key}: ${problem.reason}`;
}
