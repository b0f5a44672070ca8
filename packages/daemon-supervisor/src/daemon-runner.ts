import type { EventName } from "@ringrift/protocol";
import type { CascadeBreaker } from "./cascade-breaker.ts";
import { DaemonRecord } from "./daemon-record.ts";
import type { DaemonDefinition } from "./definition.ts";
import { type ProbeOutcome, probeHealth } from "./health-probe.ts";
import { LogRing } from "./log-ring.ts";
import { DaemonProcess } from "./process.ts";
import { groupMembers } from "./process-group.ts";

export type DaemonEventName = Extract<EventName, `DAEMON_${string}` | `COORDINATOR_${string}`>;

/** What a runner needs of its manager. */
export interface RunnerHost {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  readonly cascade: CascadeBreaker;
  /** Dependencies of the daemon that are not ready. */
  unready(definition: DaemonDefinition): string[];
  emit(event: DaemonEventName, daemon: string, reason: string): void;
  /** Something changed that others may wait for. */
  changed(): void;
}

interface RunningProbe {
  readonly abort: AbortController;
  readonly done: Promise<ProbeOutcome>;
}

const stuckCheckMs = 5_000;
const longestTimerMs = 2 ** 31 - 1;

/** Carries out for one daemon what its record decides: processes, timers and events, no policy. */
export class DaemonRunner {
  readonly logs: LogRing = new LogRing();
  #record: DaemonRecord;
  /** A new definition, in force once the run of the old one is gone. */
  #next: DaemonDefinition | null = null;
  #retired = false;
  readonly #host: RunnerHost;
  #wanted = false;
  #run: DaemonProcess | null = null;
  #ending: Promise<void> | null = null;
  #probe: RunningProbe | null = null;
  #stuckProbe: number | null = null;
  #isRestart = false;
  #retry: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #stable: NodeJS.Timeout | undefined;
  #stuck: NodeJS.Timeout | undefined;

  constructor(definition: DaemonDefinition, host: RunnerHost) {
    this.#record = new DaemonRecord(definition);
    this.#host = host;
  }

  get record(): DaemonRecord {
    return this.#record;
  }

  /** The definition asked for last, even while a run of the one before it is still ending. */
  get definition(): DaemonDefinition {
    return this.#next ?? this.#record.definition;
  }

  /** No longer defined; `start` does nothing from now on. */
  get retired(): boolean {
    return this.#retired;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  /** Wants it up, at once if it is waiting for a retry. */
  start(): void {
    if (this.#retired || (this.#wanted && this.#run !== null)) return;
    this.#wanted = true;
    this.#isRestart = false;
    this.#cancel("retry");
    if (this.#run === null) this.record.wanted();
    this.advance();
  }

  /** Starts it if it is wanted, not running and its dependencies are ready. */
  advance(): void {
    if (!this.#wanted || this.#run !== null || this.#retry !== undefined) return;
    if (this.record.state === "start_refused") return;
    const unready = this.#host.unready(this.record.definition);
    if (unready.length > 0) {
      this.record.waitingFor(unready);
      return;
    }
    const now = this.#host.nowMs();
    if (this.#isRestart) {
      const waitMs = this.#host.cascade.waitMs(now, this.record.definition.critical);
      if (waitMs > 0) {
        this.record.restartPaused(waitMs);
        this.#retryIn(waitMs);
        return;
      }
      this.#host.cascade.record(now);
    }
    this.#launch(now);
  }

  /** Takes another definition, in force from the next `stop` on. */
  redefine(definition: DaemonDefinition): void {
    this.#next = definition;
    this.#retired = false;
  }

  /** No longer defined: once stopped it stays so. */
  retire(): void {
    this.#retired = true;
  }

  /** Ends the whole group; resolves when it is gone or has proved unkillable. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#cancel("retry");
    if (this.#ending === null) {
      const run = this.#run;
      if (run === null) return this.#settleStopped();
      this.record.stopping();
      this.#end(run, () => this.#settleStopped());
    }
    await this.#ending;
  }

  #launch(now: number): void {
    this.record.starting(now, this.#isRestart);
    const { definition } = this.record;
    const current = (): boolean => this.#run === run && this.#ending === null;
    const run = new DaemonProcess(definition, this.#host.env, this.logs, {
      spawned: (pid) => {
        if (!current()) return;
        this.record.spawned(pid, this.#host.nowMs());
        if (!this.record.crashLooping) this.#emit("DAEMON_STARTED", `pid ${pid}`);
        this.#watch(run);
        this.#tell();
      },
      exited: (how) => {
        if (current()) this.#died(run, how);
      },
      notStarted: (reason, refused) => {
        if (!current()) return;
        if (!refused) return this.#died(run, reason);
        this.#run = null;
        this.record.refused(reason);
        this.#emit("DAEMON_FAILED", reason);
        this.#tell();
      },
    });
    this.#run = run;
    this.#host.changed();
  }

  #died(run: DaemonProcess, how: string): void {
    const words = this.logs.lastWords();
    const wasLooping = this.record.crashLooping;
    const decision = this.record.died(how, this.#host.nowMs(), this.#host.random());
    const reason = `${how}; ${decision.reason}${words === "" ? "" : `; last output: ${words}`}`;
    // While it crash-loops every try fails: only entering the loop is news.
    if (!wasLooping) this.#emit("DAEMON_FAILED", reason);
    if (!wasLooping && decision.kind === "degraded") this.#emit("DAEMON_DEGRADED", reason);
    this.#end(run, () => {
      if (!this.#wanted || this.#next !== null) return this.#settleStopped();
      this.#isRestart = true;
      this.#retryIn(decision.delayMs);
    });
    this.#tell();
  }

  /** Whatever is left of the group must be gone before anything follows. */
  #end(run: DaemonProcess, then: () => void): void {
    for (const timer of ["check", "stable"] as const) this.#cancel(timer);
    const { signal, graceMs } = this.record.definition.stop;
    const gone = (): void => {
      this.#ending = null;
      this.#run = null;
      then();
      // A start asked for meanwhile.
      this.advance();
      this.#tell();
    };
    // A check of what is ending must not outlive it.
    this.#probe?.abort.abort();
    this.#ending = Promise.all([run.end(signal, graceMs), this.#probe?.done]).then(([left]) => {
      if (left.length === 0) return gone();
      this.#ending = Promise.resolve();
      this.record.stuck(left);
      this.#emit("DAEMON_FAILED", this.record.verdict().message);
      this.#tell();
      this.#awaitUnstuck(run, gone);
    });
  }

  #awaitUnstuck(run: DaemonProcess, gone: () => void): void {
    this.#stuck = setTimeout(() => {
      if (run.groupId === null || groupMembers(run.groupId).length === 0) gone();
      else this.#awaitUnstuck(run, gone);
    }, stuckCheckMs);
    // What cannot be killed must not keep the supervisor from ending.
    this.#stuck.unref();
  }

  #settleStopped(): void {
    // A start may have been asked for while it was stopping.
    const already = this.record.state === "stopped";
    if (this.#next !== null) this.#record = new DaemonRecord(this.#next);
    this.#next = null;
    this.record.stopped();
    if (!already) this.#emit("DAEMON_STOPPED", "stopped by request");
    if (this.#wanted) {
      this.#isRestart = false;
      this.record.wanted();
    }
    this.#tell();
  }

  /** Health checks and the moment from which the run counts as stable. */
  #watch(run: DaemonProcess): void {
    this.#scheduleStable();
    const nextMs = this.record.nextCheckMs();
    if (nextMs === null) return;
    this.#check = setTimeout(() => void this.#checkOnce(run), nextMs);
  }

  async #checkOnce(run: DaemonProcess): Promise<void> {
    const outcome = await this.#probeOnce();
    if (outcome === null || this.#run !== run || this.#ending !== null) return;
    const mustRestart = this.record.checked(outcome.ok, outcome.reason, this.#host.nowMs());
    if (mustRestart) this.#died(run, this.record.failureText);
    else {
      this.#watch(run);
      this.#tell();
    }
  }

  async #probeOnce(): Promise<ProbeOutcome | null> {
    const { health, cwd, env } = this.record.definition;
    if (health === null) return null;
    // One that hangs in a driver would otherwise be joined by another at every interval.
    if (this.#stuckProbe !== null && groupMembers(this.#stuckProbe).length > 0) {
      return { ok: false, reason: `an earlier check still runs: pid ${this.#stuckProbe}` };
    }
    const abort = new AbortController();
    const done = probeHealth(health, { cwd, env, baseEnv: this.#host.env }, abort.signal);
    const probe = { abort, done };
    this.#probe = probe;
    const outcome = await done;
    if (this.#probe === probe) this.#probe = null;
    this.#stuckProbe = outcome.stuckGroup ?? null;
    return outcome;
  }

  #scheduleStable(): void {
    const inMs = this.record.stableInMs(this.#host.nowMs());
    if (inMs === null || this.#stable !== undefined) return;
    this.#stable = setTimeout(
      () => {
        this.record.stable();
        this.#tell();
      },
      Math.min(inMs, longestTimerMs),
    );
  }

  #retryIn(delayMs: number): void {
    this.#cancel("retry");
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.advance();
      },
      Math.min(delayMs, longestTimerMs),
    );
  }

  #cancel(which: "retry" | "check" | "stable"): void {
    if (which === "retry") {
      clearTimeout(this.#retry);
      this.#retry = undefined;
    } else if (which === "check") {
      clearTimeout(this.#check);
      this.#check = undefined;
    } else {
      clearTimeout(this.#stable);
      this.#stable = undefined;
    }
  }

  #emit(event: DaemonEventName, reason: string): void {
    this.#host.emit(event, this.record.definition.name, reason.slice(0, 1000));
  }

  #tell(): void {
    const transition = this.record.healthTransition();
    if (transition !== null) this.#emit(transition, this.record.verdict().message);
    this.#host.changed();
  }
}
