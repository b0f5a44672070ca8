import { errorText } from "./errors.ts";
import { HealthCheckResult } from "./health.ts";
import { SlidingWindow } from "./sliding-window.ts";
import { HealthThresholds } from "./thresholds.ts";

/** Thresholds of one class; a subclass overrides `healthThresholds()` to change some of them. */
export interface MixinThresholds {
  /** Above this error rate (strictly): degraded. 0-1. */
  readonly errorRateCritical: number;
  /** Above this error rate (strictly): healthy with a warning. 0-1. */
  readonly errorRateWarning: number;
  readonly windowSeconds: number;
  readonly minimumSamples: number;
  /** Longest quiet time where activity is expected. */
  readonly inactivitySeconds: number;
}

export const defaultMixinThresholds: MixinThresholds = {
  errorRateCritical: HealthThresholds.ERROR_RATE_CRITICAL,
  errorRateWarning: HealthThresholds.ERROR_RATE_WARNING,
  windowSeconds: HealthThresholds.ERROR_WINDOW_SECONDS,
  minimumSamples: HealthThresholds.ERROR_MINIMUM_SAMPLES,
  inactivitySeconds: HealthThresholds.INACTIVITY_SECONDS,
};

/** What the mixin adds to a class. */
export interface HealthCheckable {
  recordSuccess(): void;
  recordError(error?: unknown): void;
  /** Errors over calls in the sliding window, 0-1; null below the minimum of samples. */
  getErrorRate(): number | null;
  healthCheck(): HealthCheckResult;
}

/** Hooks that a class may override to say more of itself. */
export interface HealthCheckHooks {
  healthThresholds(): MixinThresholds;
  /** True while the thing runs; null when it cannot tell or need not. */
  isRunning(): boolean | null;
  /** True when calls should be coming in, so that silence is a sign of trouble. */
  expectsActivity(): boolean;
  /** Seconds since 1970; tests put a virtual clock here. */
  nowSeconds(): number;
}

// A mixin's base must be constructible with whatever arguments its own base takes.
type Constructor<T = object> = new (...args: never[]) => T;

/**
 * The class that the mixin returns. Spelt out instead of `Base & Constructor<...>`, because an intersection cannot be extended
 * when the base is generic, as EventEmitter is. Of an overloaded constructor the last overload remains.
 */
export type WithHealthCheck<Base extends Constructor> = Omit<Base, "prototype"> &
  (new (
    ...args: ConstructorParameters<Base>
  ) => InstanceType<Base> & HealthCheckable & HealthCheckHooks);

/**
 * Gives any class `healthCheck()` from counts of successes and errors in a sliding window, because lifetime counters hide a
 * fresh outage.
 *
 * @example
 * class Sync extends HealthCheckMixin(EventEmitter) {}
 * const sync = new Sync();
 * sync.recordSuccess();
 * sync.healthCheck().isHealthy; // true
 */
export function HealthCheckMixin<Base extends Constructor>(base: Base): WithHealthCheck<Base> {
  class Checked extends (base as Constructor) implements HealthCheckable, HealthCheckHooks {
    #window: SlidingWindow | null = null;
    #lastActivity: number | null = null;
    #lastError: string | null = null;
    #createdAt: number | null = null;

    healthThresholds(): MixinThresholds {
      return defaultMixinThresholds;
    }
    isRunning(): boolean | null {
      return null;
    }
    expectsActivity(): boolean {
      return false;
    }
    nowSeconds(): number {
      return Date.now() / 1000;
    }

    recordSuccess(): void {
      this.#record(true);
    }
    recordError(error?: unknown): void {
      if (error !== undefined) this.#lastError = errorText(error);
      this.#record(false);
    }

    getErrorRate(): number | null {
      const { failed, total } = this.#counts();
      return total < this.healthThresholds().minimumSamples ? null : failed / total;
    }

    healthCheck(): HealthCheckResult {
      const now = this.nowSeconds();
      this.#createdAt ??= now;
      const limits = this.healthThresholds();
      const { failed, total } = this.#counts();
      const errorRate = this.getErrorRate();
      const running = this.isRunning();
      const quietSeconds = now - (this.#lastActivity ?? this.#createdAt);
      const details: Record<string, unknown> = { errorRate, errors: failed, samples: total };
      if (running !== null) details.running = running;
      if (this.#lastError !== null) details.lastError = this.#lastError;
      const answer = (status: "healthy" | "degraded" | "unhealthy", message: string): HealthCheckResult =>
        new HealthCheckResult({ status, message, details, timestamp: now });

      if (running === false) return answer("unhealthy", "not running though it should");
      if (errorRate === 1) return answer("unhealthy", `all ${total} calls of the window failed`);
      if (errorRate !== null && errorRate > limits.errorRateCritical)
        return answer(
          "degraded",
          `error rate ${percent(errorRate)} is above ${percent(limits.errorRateCritical)}`,
        );
      if (this.expectsActivity() && quietSeconds > limits.inactivitySeconds)
        return answer("degraded", `no activity for ${Math.floor(quietSeconds)} s`);
      if (errorRate !== null && errorRate > limits.errorRateWarning) {
        const warning = `error rate ${percent(errorRate)} is above ${percent(limits.errorRateWarning)}`;
        details.warning = warning;
        return answer("healthy", `warning: ${warning}`);
      }
      return answer("healthy", "");
    }

    #record(ok: boolean): void {
      const now = this.nowSeconds();
      this.#window ??= new SlidingWindow(this.healthThresholds().windowSeconds);
      this.#window.record(ok, now);
      this.#lastActivity = now;
    }
    #counts(): { readonly failed: number; readonly total: number } {
      return this.#window?.counts(this.nowSeconds()) ?? { failed: 0, total: 0 };
    }
  }
  return Checked as unknown as WithHealthCheck<Base>;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 1000) / 10} %`;
}

const plainBase: new () => HealthCheckable & HealthCheckHooks = HealthCheckMixin(Object);

/** The mixin as a plain base class, for classes without another parent. */
export class HealthCheckBase extends plainBase {}
