import { type HealthLevel, HealthThresholds, type ThresholdValues } from "@ringrift/protocol";
import { type SystemInputs, type SystemScore, scoreSystem } from "./score.ts";

/** A score with its reasons in words. */
export interface SystemHealth extends SystemScore {
  readonly reasons: readonly string[];
}

export interface UnifiedHealthManagerOptions {
  /** Reads the inputs from live data, without waiting for anything. */
  readonly read: () => SystemInputs;
  readonly thresholds?: ThresholdValues;
}

/**
 * Scores a live system each time it is asked.
 *
 * @example
 * const manager = new UnifiedHealthManager({ read: () => inputs });
 * manager.getSystemHealthScore(); // 0-100, null when nothing is known
 * manager.getSystemHealthLevel(); // "HEALTHY", "DEGRADED", "UNHEALTHY", "CRITICAL" or "UNKNOWN"
 */
export class UnifiedHealthManager {
  readonly #read: () => SystemInputs;
  readonly #thresholds: ThresholdValues;

  constructor(options: UnifiedHealthManagerOptions) {
    this.#read = options.read;
    this.#thresholds = options.thresholds ?? HealthThresholds;
  }

  /** @throws RingRiftError as {@link scoreSystem} does. */
  getSystemHealth(): SystemHealth {
    const result = scoreSystem(this.#read(), this.#thresholds);
    return { ...result, reasons: reasonsOf(result) };
  }

  getSystemHealthScore(): number | null {
    return this.getSystemHealth().score;
  }

  getSystemHealthLevel(): HealthLevel {
    return this.getSystemHealth().level;
  }
}

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
