// When a dead daemon is started again. Times are monotonic milliseconds.
import type { DaemonMemory } from "./daemon-memory.ts";

export interface RestartLimits {
  /** Ready this long, a run counts as stable: the next crash restarts at once. */
  readonly stableMs: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Each delay is spread by this share up and down, 0-1. */
  readonly jitterRatio: number;
  /** This many deaths in `burstWindowMs` is a crash loop. */
  readonly burstDeaths: number;
  readonly burstWindowMs: number;
  /** More deaths than this in an hour is a crash loop. */
  readonly hourlyDeaths: number;
  /** How often a crash-looping daemon is tried again. */
  readonly degradedRetryMs: number;
}

const hourMs = 3_600_000;

/** The defaults; a critical daemon in a crash loop is tried three times as often. */
export function defaultRestartLimits(critical: boolean): RestartLimits {
  return {
    stableMs: 60_000,
    firstDelayMs: 1_000,
    maxDelayMs: 60_000,
    jitterRatio: 0.2,
    burstDeaths: 5,
    burstWindowMs: 120_000,
    hourlyDeaths: 10,
    degradedRetryMs: critical ? 300_000 : 900_000,
  };
}

/** Delay before restart number `attempt` (from 0) of a run of crashes, without jitter. */
export function backoffMs(limits: RestartLimits, attempt: number): number {
  return Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** Math.min(attempt, 60));
}

/** Least time in which `deaths` deaths can happen: the first restart waits for nothing, and jitter is at its shortest. */
function shortestSpanMs(limits: RestartLimits, deaths: number): number {
  let total = 0;
  for (let attempt = 0; attempt < deaths - 2; attempt += 1) {
    total += backoffMs(limits, attempt) * (1 - limits.jitterRatio);
  }
  return total;
}

/** Why a limit can never be reached, with the arithmetic, or null when all can. */
export function unreachableLimit(limits: RestartLimits): string | null {
  const burst = shortestSpanMs(limits, limits.burstDeaths);
  // A death as old as the window is no longer in it.
  if (burst >= limits.burstWindowMs) {
    return `${limits.burstDeaths} deaths take at least ${seconds(burst)} s (${delaysText(limits, limits.burstDeaths)}), not less than the window of ${seconds(limits.burstWindowMs)} s, so a crash loop would never be seen`;
  }
  if (limits.burstWindowMs <= hourMs && limits.burstDeaths > limits.hourlyDeaths + 1) {
    return `${limits.burstDeaths} deaths in ${seconds(limits.burstWindowMs)} s are never seen: more than ${limits.hourlyDeaths} in an hour come first, at the ${limits.hourlyDeaths + 1}th death`;
  }
  const hourly = shortestSpanMs(limits, limits.hourlyDeaths + 1);
  if (hourly >= hourMs) {
    return `${limits.hourlyDeaths + 1} deaths take at least ${seconds(hourly)} s (${delaysText(limits, limits.hourlyDeaths + 1)}), not less than an hour, so the hourly limit would never be seen`;
  }
  return null;
}

function delaysText(limits: RestartLimits, deaths: number): string {
  const delays = Array.from({ length: Math.min(deaths - 1, 8) }, (_, i) =>
    seconds(i === 0 ? 0 : backoffMs(limits, i - 1)),
  );
  const more = deaths - 1 > delays.length ? "+…" : "";
  return `delays ${delays.join("+")}${more} s, less ${Math.round(limits.jitterRatio * 100)} % jitter`;
}

function seconds(ms: number): string {
  return String(Math.round(ms / 10) / 100);
}

export interface RestartDecision {
  readonly kind: "restart" | "degraded";
  readonly delayMs: number;
  readonly reason: string;
}

type PolicyMemory = Pick<DaemonMemory, "attempt" | "crashLooping" | "deathAgesMs">;

/** The restart memory of one daemon. Keeps at most as many deaths as its larger limit needs. */
export class RestartPolicy {
  readonly #limits: RestartLimits;
  #deaths: number[] = [];
  #attempt = 0;
  #degraded = false;

  /** `memory` is of an earlier supervisor, aged up to `now`. */
  constructor(limits: RestartLimits, memory: PolicyMemory | null = null, now = 0) {
    this.#limits = limits;
    if (memory === null) return;
    this.#attempt = memory.attempt;
    this.#degraded = memory.crashLooping;
    this.#deaths = memory.deathAgesMs.map((ageMs) => now - ageMs);
  }

  memory(now: number): PolicyMemory {
    return {
      attempt: this.#attempt,
      crashLooping: this.#degraded,
      deathAgesMs: this.#deaths.map((at) => now - at),
    };
  }

  /** True from the death that made it a crash loop until a run is stable. */
  get degraded(): boolean {
    return this.#degraded;
  }

  /** A run has been ready for `stableMs`: the crash loop, if any, is over. */
  stable(): void {
    this.#degraded = false;
    this.#attempt = 0;
  }

  /** An operator starts it anew: everything is forgotten. */
  reset(): void {
    this.stable();
    this.#deaths = [];
  }

  /** `readySince` is when the run that ended became ready, null if it never did; `random` is in [0, 1). */
  died(now: number, readySince: number | null, random: number): RestartDecision {
    const limits = this.#limits;
    const wasStable = readySince !== null && now - readySince >= limits.stableMs;
    if (wasStable) this.stable();
    this.#remember(now);
    // One crash is no sign of a loop, however young the run: a daemon with none behind it should not be away for long.
    const isFirst = readySince !== null && this.#deaths.length === 1 && this.#attempt === 0;
    const within = (windowMs: number): number => this.#deaths.filter((at) => now - at < windowMs).length;
    const inBurst = within(limits.burstWindowMs);
    const inHour = within(hourMs);
    const burst = inBurst >= limits.burstDeaths;
    const hourly = inHour > limits.hourlyDeaths;
    if (this.#degraded || burst || hourly) {
      this.#degraded = true;
      const why = burst
        ? `${inBurst} deaths in ${limits.burstWindowMs / 1000} s`
        : hourly
          ? `${inHour} deaths in an hour`
          : "died again before it was stable";
      return {
        kind: "degraded",
        delayMs: limits.degradedRetryMs,
        reason: `crash loop: ${why}; next try in ${limits.degradedRetryMs / 1000} s`,
      };
    }
    if (wasStable || isFirst) {
      const what = wasStable ? "first crash after a stable run" : "first crash";
      return { kind: "restart", delayMs: 0, reason: `${what}, restarting at once` };
    }
    const jitter = 1 + limits.jitterRatio * (2 * random - 1);
    const delayMs = Math.round(backoffMs(limits, this.#attempt) * jitter);
    this.#attempt += 1;
    return { kind: "restart", delayMs, reason: `restarting in ${seconds(delayMs)} s` };
  }

  #remember(now: number): void {
    const windowMs = Math.max(hourMs, this.#limits.burstWindowMs);
    const most = Math.max(this.#limits.burstDeaths, this.#limits.hourlyDeaths + 1);
    this.#deaths = [...this.#deaths, now].filter((at) => now - at < windowMs).slice(-most);
  }
}
