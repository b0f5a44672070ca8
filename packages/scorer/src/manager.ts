import type { HealthLevel, ThresholdValues } from "@ringrift/protocol";
import { reasonsOf } from "./explain.ts";
import { type SystemInputs, type SystemScore, scoreSystem } from "./score.ts";

/** A score with its reasons in words. */
export interface SystemHealth extends SystemScore {
  readonly reasons: readonly string[];
}

export interface UnifiedHealthManagerOptions {
  /** Reads the inputs from live data, without waiting for anything. */
  readonly read: () => SystemInputs;
  /** Those that differ from the defaults. */
  readonly thresholds?: Partial<ThresholdValues>;
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
  readonly #thresholds: Partial<ThresholdValues>;

  constructor(options: UnifiedHealthManagerOptions) {
    this.#read = options.read;
    this.#thresholds = options.thresholds ?? {};
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

/** The score of these inputs, 0-100 after caps; null when no component is known. */
export function getSystemHealthScore(
  inputs: SystemInputs,
  thresholds?: Partial<ThresholdValues>,
): number | null {
  return scoreSystem(inputs, thresholds).score;
}

/** The level of these inputs. */
export function getSystemHealthLevel(
  inputs: SystemInputs,
  thresholds?: Partial<ThresholdValues>,
): HealthLevel {
  return scoreSystem(inputs, thresholds).level;
}
