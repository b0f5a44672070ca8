// core: pure
import type { MetricSample } from "./metric-family.ts";

/**
 * One series per state, 1 for the current one and 0 for the others. A state that is not known (null) gives no series,
 * since 0 everywhere would read as an answer.
 */
export function stateSet<State extends string>(
  states: readonly State[],
  current: State | null,
  labels: Readonly<Record<string, string>> = {},
  label = "state",
): MetricSample[] {
  if (current === null) return [];
  return states.map((state) => ({ labels: { ...labels, [label]: state }, value: state === current ? 1 : 0 }));
}
