// core: pure
import type { SystemScore } from "./score.ts";

/** Why the score is what it is: caps that hold it down, then every component that costs points or is not known. */
export function reasonsOf(result: SystemScore): string[] {
  const binding = result.caps.filter(({ cap }) => result.rawScore !== null && cap < result.rawScore);
  const idle = result.caps.filter((cap) => !binding.includes(cap));
  const costly = Object.values(result.components).filter(({ score }) => score === null || score < 100);
  return [
    ...binding.map(({ cap, reason }) => `${reason}: at most ${cap}`),
    ...idle.map(({ reason }) => reason),
    ...costly.map((component) => (component.known ? component.detail : `unknown: ${component.detail}`)),
  ];
}

const titles: { readonly [Name in keyof SystemScore["components"]]: string } = {
  nodeAvailability: "nodes",
  circuitHealth: "circuits",
  errorRate: "errors",
  recovery: "recovery",
};

/**
 * The score in a few lines for a person: the verdict, each component with its share of the mean, then each cap.
 *
 * @example
 * explainScore(scoreSystem(inputs));
 * // Score 59, DEGRADED (the mean of the components is 80).
 * // ...
 */
export function explainScore(result: SystemScore): string {
  const components = Object.entries(titles).map(([name, title]) => {
    const { score, weight, detail } = result.components[name as keyof typeof titles];
    const value = score === null ? "unknown" : `${Math.round(score * 10) / 10} of 100`;
    return `  ${title}: ${value}, weight ${Math.round(weight * 100)} % (${detail})`;
  });
  const caps = result.caps.map(({ cap, reason }) => {
    const idle = result.rawScore === null || result.rawScore <= cap;
    return `  at most ${cap}: ${reason}${idle ? " (changes nothing now)" : ""}`;
  });
  return [verdict(result), ...components, ...caps].join("\n");
}

function verdict({ score, rawScore, level, partial }: SystemScore): string {
  if (score === null || rawScore === null) return "No score, UNKNOWN: no component is known.";
  const capped = score < rawScore ? ` (the mean of the components is ${rawScore}, a cap lowers it)` : "";
  const missing = partial ? " Components that are not known are left out of the mean." : "";
  return `Score ${score} of 100, ${level}${capped}.${missing}`;
}
