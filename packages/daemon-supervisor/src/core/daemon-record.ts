import { type DaemonHealth, type DaemonState, type HealthStatus, SlidingWindow } from "@ringrift/protocol";
import type { DaemonDefinition } from "../definition/definition.ts";
import type { DaemonMemory } from "./daemon-memory.ts";
import { exitMeaning } from "./exit-rules.ts";
import { type RestartDecision, RestartPolicy } from "./restart-policy.ts";
import { type Exit, exitText, type Remains } from "./run.ts";
import { RunRecord } from "./run-record.ts";

const errorWindowSeconds = 300;
const leastSamples = 10;

export interface DaemonVerdict {
  readonly status: HealthStatus;
  readonly message: string;
}

/** What follows a run that ended by itself. */
export type AfterDeath =
  | RestartDecision
  | { readonly kind: "ended"; readonly success: boolean; readonly reason: string };

/** What is known of one daemon and what follows from it. Times are monotonic milliseconds. */
export class DaemonRecord {
  readonly definition: DaemonDefinition;
  readonly #policy: RestartPolicy;
  readonly #checks = new SlidingWindow(errorWindowSeconds);
  #state: DaemonState = "initializing";
  #reason = "not started yet";
  #run: RunRecord | null = null;
  #restarts: number;
  #lastExit: { readonly text: string; readonly at: number } | null;
  #stoppedByOperator: boolean;
  /** A job between its runs: waiting is what it should do. */
  #waitsForSchedule = false;
  #told: boolean | null = null;

  /** `memory` is of an earlier supervisor, aged up to `now`. */
  constructor(definition: DaemonDefinition, memory: DaemonMemory | null = null, now = 0) {
    this.definition = definition;
    this.#policy = new RestartPolicy(definition.restart, memory, now);
    this.#restarts = memory?.restarts ?? 0;
    this.#stoppedByOperator = memory?.stopped ?? false;
    const lastExit = memory?.lastExit ?? null;
    this.#lastExit = lastExit === null ? null : { text: lastExit.text, at: now - lastExit.ageMs };
  }

  /** A crash-looping daemon stays `degraded` through its tries, until one of them is stable. */
  get state(): DaemonState {
    const trying = this.#state === "starting" || this.#state === "restarting";
    if (trying && this.#policy.degraded) return "degraded";
    return this.ready ? "running" : this.#state;
  }

  get ready(): boolean {
    return this.#state === "starting" && this.#run?.ready === true;
  }

  /** Its program runs, ready or not. */
  get started(): boolean {
    return this.#state === "starting" && this.#run?.spawned === true;
  }

  /** It ended in success and is not started again by itself. */
  get completed(): boolean {
    return this.#state === "completed";
  }

  /** Down for good, unless it is started by name or its schedule or definition says so. */
  get resting(): boolean {
    return this.completed || this.#state === "failed" || this.#state === "start_refused";
  }

  /** Ready, done with what it had to do, or a job that waits for its time. */
  get settled(): boolean {
    return this.ready || this.completed || this.definition.schedule !== null;
  }

  get crashLooping(): boolean {
    return this.#policy.degraded;
  }

  get stoppedByOperator(): boolean {
    return this.#stoppedByOperator;
  }

  /** The run there is, from its start until it has ended or been asked to. */
  get run(): RunRecord | null {
    return this.#run;
  }

  /** An operator or the first start wants it up: past crashes no longer count. */
  wanted(): void {
    this.#policy.reset();
    this.#stoppedByOperator = false;
    this.comesBack();
  }

  /** It is to start again after having been taken down; nothing is forgotten. */
  comesBack(): void {
    const down: readonly DaemonState[] = ["stopped", "start_refused", "completed", "failed"];
    if (down.includes(this.#state)) this.#enter("initializing", "to be started");
  }

  /** What an operator said last, known before it is carried out: a later supervisor then carries it out. */
  operatorSaid(word: "stop" | "start"): void {
    this.#stoppedByOperator = word === "stop";
  }

  waitingFor(reasons: readonly string[]): void {
    this.#reason = `waiting for ${reasons.join(", ")}`;
  }

  /** A job waits for its next time, as people read it. */
  waitingUntil(time: string): void {
    this.#waitsForSchedule = true;
    this.#reason =
      this.#lastExit === null ? `next run at ${time}` : `${this.#lastExit.text}; next run at ${time}`;
  }

  restartPaused(waitMs: number): void {
    this.#reason = `restart paused ${Math.ceil(waitMs / 1000)} s: too many restarts over all daemons`;
  }

  starting(now: number, isRestart: boolean): RunRecord {
    if (isRestart) this.#restarts += 1;
    this.#waitsForSchedule = false;
    this.#enter("starting", "starting");
    const run = new RunRecord(this.definition, now);
    this.#run = run;
    return run;
  }

  /** Takes a probe's answer; the reason why the run must end, null when it may go on. */
  probed(ok: boolean, reason: string, now: number): string | null {
    this.#checks.record(ok, now / 1000);
    return this.#run?.probed(ok, reason, now) ?? null;
  }

  /** Milliseconds until the run counts as stable, null while it is not ready. */
  stableInMs(now: number): number | null {
    const readySince = this.#run?.readySince ?? null;
    return readySince === null ? null : Math.max(0, readySince + this.definition.restart.stableMs - now);
  }

  stable(): void {
    this.#policy.stable();
    this.#run?.stable();
  }

  /** The run has ended without being asked to. `random` is in [0, 1). */
  died(exit: Exit, now: number, random: number): AfterDeath {
    const { success, restart, why } = exitMeaning(this.definition.exits, exit);
    const readySince = this.#run?.readySince ?? null;
    this.#run = null;
    this.#lastExit = { text: exitText(exit), at: now };
    if (!restart) {
      const reason = `${exitText(exit)}; not restarted: ${why}`;
      this.#enter(success ? "completed" : "failed", reason);
      return { kind: "ended", success, reason };
    }
    const decision = this.#policy.died(now, readySince, random);
    const reason = `${exitText(exit)}; ${decision.reason}`;
    this.#enter("restarting", reason);
    return { ...decision, reason };
  }

  refused(reason: string): void {
    this.#run = null;
    this.#enter("start_refused", reason);
  }

  stopping(reason: string): void {
    this.#enter("stopping", reason);
  }

  /** Down, and meant to be. `byOperator`: it stays down until it is started by name. */
  stopped(reason: string, byOperator: boolean, now: number): void {
    if (this.#run !== null) this.#lastExit = { text: reason, at: now };
    this.#run = null;
    this.#stoppedByOperator ||= byOperator;
    this.#waitsForSchedule = false;
    this.#enter("stopped", reason);
  }

  /** Down because another daemon is; it comes back with that one. */
  takenDown(why: string, now: number): void {
    this.#lastExit = { text: why, at: now };
    this.#run = null;
    this.#enter("restarting", why);
  }

  stuck(left: Remains): void {
    const pids = left.some((one) => typeof one === "number") ? "pid " : "";
    this.#enter("stuck", `could not be killed: ${pids}${left.slice(0, 10).join(", ")}`);
  }

  verdict(): DaemonVerdict {
    const state = this.state;
    const message = this.#state === "starting" ? (this.#run?.reason ?? this.#reason) : this.#reason;
    if (state === "running") return { status: this.#run?.failing === true ? "degraded" : "healthy", message };
    const asItShould = this.completed || (state === "initializing" && this.#waitsForSchedule);
    const onItsWay =
      state === "initializing" || state === "starting" || (state === "degraded" && this.#run !== null);
    return {
      status: asItShould ? "healthy" : onItsWay ? "degraded" : "unhealthy",
      message: `${state}: ${message}`,
    };
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
    const run = this.#run;
    const reason = this.#state === "starting" && run !== null ? run.reason : this.#reason;
    return {
      name,
      state: this.state,
      critical,
      ready: this.ready,
      pid: run?.pid ?? null,
      restarts: this.#restarts,
      errorRate: total < leastSamples ? null : failed / total,
      uptimeSeconds: run === null ? null : (now - run.startedAt) / 1000,
      cpuCores: run?.use?.cpuCores ?? null,
      memoryBytes: run?.use?.memoryBytes ?? null,
      lastExit: this.#lastExit?.text.slice(0, 1000) ?? null,
      lastExitAgeSeconds: this.#lastExit === null ? null : (now - this.#lastExit.at) / 1000,
      reason: reason.slice(0, 1000),
    };
  }

  /** What must outlive this supervisor. */
  memory(now: number): DaemonMemory {
    const lastExit = this.#lastExit;
    return {
      ...this.#policy.memory(now),
      restarts: this.#restarts,
      stopped: this.#stoppedByOperator,
      lastExit: lastExit === null ? null : { text: lastExit.text.slice(0, 1000), ageMs: now - lastExit.at },
    };
  }

  #enter(state: DaemonState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }
}
