// core: pure

import { type DaemonHealth, type DaemonState, type HealthStatus, SlidingWindow } from "@ringrift/protocol";
import type { DaemonDefinition } from "./definition.ts";
import { type RestartDecision, RestartPolicy } from "./restart-policy.ts";

const failuresToRestart = 3;
const errorWindowSeconds = 300;
const leastSamples = 10;
/** Until it is ready a daemon is asked at least this often, so that its dependents need not wait a whole interval. */
const startingProbeMs = 1_000;

export interface DaemonVerdict {
  readonly status: HealthStatus;
  readonly message: string;
}

/** What is known of one daemon and what follows from it. Times are monotonic milliseconds. */
export class DaemonRecord {
  readonly definition: DaemonDefinition;
  readonly #policy: RestartPolicy;
  readonly #checks = new SlidingWindow(errorWindowSeconds);
  #state: DaemonState = "initializing";
  #reason = "not started yet";
  #pid: number | null = null;
  #startedAt: number | null = null;
  #readySince: number | null = null;
  #restarts = 0;
  #failuresInARow = 0;
  #lastFailure = "";
  #lastCheckFailed = false;
  #told: boolean | null = null;

  constructor(definition: DaemonDefinition) {
    this.definition = definition;
    this.#policy = new RestartPolicy(definition.restart);
  }

  /** A crash-looping daemon stays `degraded` through its tries, until one of them is stable. */
  get state(): DaemonState {
    const trying = this.#state === "starting" || this.#state === "running" || this.#state === "restarting";
    return trying && this.#policy.degraded ? "degraded" : this.#state;
  }

  get ready(): boolean {
    return this.#state === "running";
  }

  get crashLooping(): boolean {
    return this.#policy.degraded;
  }

  /** An operator or the first start wants it up: past crashes no longer count. */
  wanted(): void {
    this.#policy.reset();
    if (this.#state === "stopped" || this.#state === "start_refused")
      this.#enter("initializing", "to be started");
  }

  waitingFor(names: readonly string[]): void {
    this.#reason = `waiting for ${names.join(", ")} to be ready`;
  }

  restartPaused(waitMs: number): void {
    this.#reason = `restart paused ${Math.ceil(waitMs / 1000)} s: too many restarts over all daemons`;
  }

  starting(now: number, isRestart: boolean): void {
    if (isRestart) this.#restarts += 1;
    this.#startedAt = now;
    this.#readySince = null;
    this.#failuresInARow = 0;
    this.#enter("starting", "starting");
  }

  /** The program runs; without a health check that is all there is to be ready for. */
  spawned(pid: number | null, now: number): void {
    this.#pid = pid;
    if (this.definition.health === null) this.#becomeReady(now, "running");
    else this.#reason = "running, no health check has passed yet";
  }

  /** Takes a health check's outcome; true when the daemon must be restarted for it. */
  checked(ok: boolean, reason: string, now: number): boolean {
    this.#checks.record(ok, now / 1000);
    if (ok) {
      this.#failuresInARow = 0;
      this.#lastCheckFailed = false;
      if (this.#state === "starting") this.#becomeReady(now, reason);
      this.#reason = reason;
      return false;
    }
    this.#lastFailure = reason;
    this.#lastCheckFailed = true;
    const inGrace = this.#startedAt !== null && now - this.#startedAt < this.definition.startupGraceMs;
    if (inGrace) {
      this.#reason = `health check fails within the start-up grace: ${reason}`;
      return false;
    }
    this.#failuresInARow += 1;
    this.#reason = `health check failed ${this.#failuresInARow} in a row: ${reason}`;
    return this.#failuresInARow >= failuresToRestart;
  }

  /** Milliseconds until the next health check, null without one. */
  nextCheckMs(): number | null {
    const { health } = this.definition;
    if (health === null) return null;
    return this.#state === "starting" ? Math.min(health.intervalMs, startingProbeMs) : health.intervalMs;
  }

  /** Milliseconds until the run counts as stable, null while it is not ready. */
  stableInMs(now: number): number | null {
    return this.#readySince === null
      ? null
      : Math.max(0, this.#readySince + this.definition.restart.stableMs - now);
  }

  stable(): void {
    this.#policy.stable();
    if (this.#state === "running" && !this.#lastCheckFailed) this.#reason = "running, stable";
  }

  /** The run has ended without being asked to. `random` is in [0, 1). */
  died(how: string, now: number, random: number): RestartDecision {
    const decision = this.#policy.died(now, this.#readySince, random);
    this.#gone();
    this.#enter("restarting", `${how}; ${decision.reason}`);
    return decision;
  }

  refused(reason: string): void {
    this.#gone();
    this.#enter("start_refused", reason);
  }

  stopping(): void {
    this.#enter("stopping", "stopping");
  }

  stopped(): void {
    this.#gone();
    this.#enter("stopped", "stopped by request");
  }

  stuck(pids: readonly number[]): void {
    this.#enter("stuck", `could not be killed: pid ${pids.slice(0, 10).join(", ")}`);
  }

  verdict(): DaemonVerdict {
    const state = this.state;
    if (state === "running") {
      return { status: this.#lastCheckFailed ? "degraded" : "healthy", message: this.#reason };
    }
    const onItsWay =
      state === "initializing" || state === "starting" || (state === "degraded" && this.#pid !== null);
    return { status: onItsWay ? "degraded" : "unhealthy", message: `${state}: ${this.#reason}` };
  }

  /** The change of health to tell the world, if there is one since the last call. */
  healthTransition(): "COORDINATOR_HEALTHY" | "COORDINATOR_UNHEALTHY" | null {
    const { status } = this.verdict();
    // Ended by request is not ill: its next start tells anew.
    if (this.#state === "stopped" || this.#state === "stopping") this.#told = null;
    else if (status === "healthy" && this.#told !== true) {
      this.#told = true;
      return "COORDINATOR_HEALTHY";
    } else if (status === "unhealthy" && this.#told !== false) {
      this.#told = false;
      return "COORDINATOR_UNHEALTHY";
    }
    return null;
  }

  health(now: number): DaemonHealth {
    const { failed, total } = this.#checks.counts(now / 1000);
    const { name, critical } = this.definition;
    return {
      name,
      state: this.state,
      critical,
      ready: this.ready,
      pid: this.#pid,
      restarts: this.#restarts,
      errorRate: total < leastSamples ? null : failed / total,
      uptimeSeconds: this.#pid === null || this.#startedAt === null ? null : (now - this.#startedAt) / 1000,
      reason: this.#reason.slice(0, 1000),
    };
  }

  /** Text of the failure that led to a restart for failing health checks. */
  get failureText(): string {
    return `health check failed ${failuresToRestart} times in a row: ${this.#lastFailure}`;
  }

  #becomeReady(now: number, reason: string): void {
    this.#readySince = now;
    this.#enter("running", reason);
  }

  #gone(): void {
    this.#lastCheckFailed = false;
    this.#pid = null;
    this.#startedAt = null;
    this.#readySince = null;
    this.#failuresInARow = 0;
  }

  #enter(state: DaemonState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }
}
