import type { EventName } from "@ringrift/protocol";
import { Alarm } from "./alarm.ts";
import type { CascadeBreaker } from "./cascade-breaker.ts";
import { DaemonRecord } from "./daemon-record.ts";
import type { DaemonDefinition } from "./definition.ts";
import type { ProbeOutcome } from "./health-probe.ts";
import { HealthWatch } from "./health-watch.ts";
import { LogRing } from "./log-ring.ts";
import { DaemonProcess } from "./process.ts";
import { exitText, type Run } from "./run.ts";
import { endRun } from "./run-end.ts";

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

/** Carries out for one daemon what its record decides: processes, timers and events, no policy. */
export class DaemonRunner {
  readonly logs: LogRing = new LogRing();
  #record: DaemonRecord;
  /** A new definition, in force once the run of the old one is gone. */
  #next: DaemonDefinition | null = null;
  #retired = false;
  readonly #host: RunnerHost;
  #wanted = false;
  #run: Run | null = null;
  #watch: HealthWatch;
  #ending: Promise<void> | null = null;
  #isRestart = false;
  readonly #retry: Alarm = new Alarm(() => this.advance());
  readonly #stable: Alarm = new Alarm(() => {
    this.record.stable();
    this.#tell();
  });

  constructor(definition: DaemonDefinition, host: RunnerHost) {
    this.#record = new DaemonRecord(definition);
    this.#host = host;
    this.#watch = this.#newWatch();
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
    this.#retry.cancel();
    if (this.#run === null) this.record.wanted();
    this.advance();
  }

  /** Starts it if it is wanted, not running and its dependencies are ready. */
  advance(): void {
    if (!this.#wanted || this.#run !== null || this.#retry.pending) return;
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
        this.#retry.set(waitMs);
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
    this.#retry.cancel();
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
        this.#awaitNext();
        this.#tell();
      },
      exited: (exit) => {
        if (current()) this.#died(run, exitText(exit));
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

  #died(run: Run, how: string): void {
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
      this.#retry.set(decision.delayMs);
    });
    this.#tell();
  }

  /** Whatever is left of the run must be gone before anything follows. */
  #end(run: Run, then: () => void): void {
    this.#stable.cancel();
    // A check of what is ending must not outlive it.
    this.#ending = endRun(run, this.record.definition.stop, this.#watch.end(), {
      stuck: (left) => {
        this.record.stuck(left);
        this.#emit("DAEMON_FAILED", this.record.verdict().message);
        this.#tell();
      },
      gone: () => {
        this.#ending = null;
        this.#run = null;
        then();
        // A start asked for meanwhile.
        this.advance();
        this.#tell();
      },
    });
  }

  #settleStopped(): void {
    // A start may have been asked for while it was stopping.
    const already = this.record.state === "stopped";
    if (this.#next !== null) {
      this.#record = new DaemonRecord(this.#next);
      this.#watch = this.#newWatch();
    }
    this.#next = null;
    this.record.stopped();
    if (!already) this.#emit("DAEMON_STOPPED", "stopped by request");
    if (this.#wanted) {
      this.#isRestart = false;
      this.record.wanted();
    }
    this.#tell();
  }

  #newWatch(): HealthWatch {
    return new HealthWatch(this.record.definition, this.#host.env, (outcome) => this.#checked(outcome));
  }

  /** The next health check, and the moment from which the run counts as stable. */
  #awaitNext(): void {
    const stableInMs = this.record.stableInMs(this.#host.nowMs());
    if (stableInMs !== null && !this.#stable.pending) this.#stable.set(stableInMs);
    this.#watch.askIn(this.record.nextCheckMs());
  }

  #checked(outcome: ProbeOutcome): void {
    if (this.#run === null || this.#ending !== null) return;
    const mustRestart = this.record.checked(outcome.ok, outcome.reason, this.#host.nowMs());
    if (mustRestart) this.#died(this.#run, this.record.failureText);
    else {
      this.#awaitNext();
      this.#tell();
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
