// Which question comes next for a run, and what the answers so far make of it. Times are monotonic milliseconds.
import type { DaemonDefinition, Probe } from "../definition/definition.ts";

/** Until it is ready a daemon is asked at least this often, so that its dependents need not wait a whole interval. */
const startingIntervalMs = 1_000;
/** The first question comes early: many daemons are ready at once. */
const firstDelayMs = 100;

export type ProbeVerdict =
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "passed"; readonly reason: string }
  | { readonly kind: "failing"; readonly reason: string }
  /** The run must end for it. */
  | { readonly kind: "failed"; readonly reason: string };

type Definition = Pick<DaemonDefinition, "startup" | "readiness" | "liveness">;

/** The probes of one run: start-up until it passes, then readiness until it passes, then liveness for ever. */
export class ProbeThresholds {
  readonly #definition: Definition;
  readonly #startedAt: number;
  #startedUp: boolean;
  #asked = 0;
  #failures = 0;
  #passes = 0;
  #failing = false;

  constructor(definition: Definition, startedAt: number) {
    this.#definition = definition;
    this.#startedAt = startedAt;
    this.#startedUp = definition.startup === null;
  }

  /** Its last answers were failures, and not yet enough passes have followed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** The start-up probe, if there is one, has passed. */
  get startedUp(): boolean {
    return this.#startedUp;
  }

  /** What to ask next and in how long; null when there is nothing to ask. */
  next(isReady: boolean): { readonly probe: Probe; readonly delayMs: number } | null {
    const probe = this.#probe(isReady);
    if (probe === null) return null;
    const pace =
      isReady || !this.#startedUp ? probe.intervalMs : Math.min(probe.intervalMs, startingIntervalMs);
    return { probe, delayMs: this.#asked === 0 ? Math.min(pace, firstDelayMs) : pace };
  }

  /** Takes the answer to the question that `next` gave. */
  answered(ok: boolean, reason: string, isReady: boolean, now: number): ProbeVerdict {
    this.#asked += 1;
    if (!this.#startedUp) return this.#startUpAnswered(ok, reason);
    if (!isReady && this.#definition.readiness !== null)
      return ok ? this.#clean("passed", reason) : { kind: "waiting", reason: `not ready yet: ${reason}` };
    return ok ? this.#alive(reason) : this.#unwell(reason, now);
  }

  #probe(isReady: boolean): Probe | null {
    const { startup, readiness, liveness } = this.#definition;
    if (!this.#startedUp) return startup;
    if (isReady || readiness === null) return liveness;
    return readiness.kind === "probe" ? readiness.probe : null;
  }

  #startUpAnswered(ok: boolean, reason: string): ProbeVerdict {
    const { startup, readiness } = this.#definition;
    if (ok) {
      this.#startedUp = true;
      this.#asked = 0;
      if (readiness === null) return this.#clean("passed", reason);
      return this.#clean("waiting", `started up: ${reason}`);
    }
    this.#failures += 1;
    const limit = startup?.failures ?? 1;
    const count = `start-up check failed ${this.#failures} of ${limit} in a row: ${reason}`;
    return { kind: this.#failures >= limit ? "failed" : "waiting", reason: count };
  }

  #alive(reason: string): ProbeVerdict {
    this.#failures = 0;
    this.#passes += 1;
    const needed = this.#failing ? (this.#definition.liveness?.passes ?? 1) : 1;
    if (this.#passes >= needed) return this.#clean("passed", reason);
    return {
      kind: "failing",
      reason: `health check passed ${this.#passes} of ${needed} in a row: ${reason}`,
    };
  }

  #unwell(reason: string, now: number): ProbeVerdict {
    const { liveness, startup } = this.#definition;
    this.#failing = true;
    this.#passes = 0;
    // A start-up probe ends the grace when it passes; without one the grace is a time.
    const graceMs = startup === null ? (liveness?.graceMs ?? 0) : 0;
    if (now - this.#startedAt < graceMs)
      return { kind: "failing", reason: `health check fails within the start-up grace: ${reason}` };
    this.#failures += 1;
    if (this.#failures >= (liveness?.failures ?? 1))
      return { kind: "failed", reason: `health check failed ${this.#failures} times in a row: ${reason}` };
    return { kind: "failing", reason: `health check failed ${this.#failures} in a row: ${reason}` };
  }

  #clean(kind: "passed" | "waiting", reason: string): ProbeVerdict {
    this.#failures = 0;
    this.#passes = 0;
    this.#failing = false;
    return { kind, reason };
  }
}
