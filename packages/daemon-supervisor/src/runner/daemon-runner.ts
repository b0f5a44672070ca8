import type { DaemonMemory } from "../core/daemon-memory.ts";
import type { Loss } from "../core/daemon-plan.ts";
import { DaemonRecord } from "../core/daemon-record.ts";
import { deathEvents } from "../core/death-events.ts";
import { type Exit, endingText, type Run, type RunEnding, type RunListener } from "../core/run.ts";
import type { RunRecord } from "../core/run-record.ts";
import type { DaemonDefinition } from "../definition/definition.ts";
import type { DaemonLog } from "../log/daemon-log.ts";
import { AdoptedProcess } from "../process/adopted-process.ts";
import type { RunFiles } from "../state/run-files.ts";
import type { SavedRun } from "../state/supervisor-state.ts";
import { LaunchWait } from "./launch-wait.ts";
import { endRun } from "./run-end.ts";
import { RunWatch } from "./run-watch.ts";
import type { DaemonEventName, RunnerHost, StopOrder } from "./runner-host.ts";
import { startRun } from "./start-run.ts";

/** Carries out for one daemon what its record decides: runs, timers and events, no policy. */
export class DaemonRunner {
  readonly logs: DaemonLog;
  readonly #host: RunnerHost;
  #record: DaemonRecord;
  #watch: RunWatch;
  #wait: LaunchWait;
  /** A new definition, in force once the run of the old one is gone. */
  #next: DaemonDefinition | null = null;
  #retired = false;
  #wanted = false;
  #stop: StopOrder = { reason: "stopped by request", byOperator: false };
  #run: Run | null = null;
  #ending: Promise<void> | null = null;

  constructor(definition: DaemonDefinition, host: RunnerHost, memory: DaemonMemory | null = null) {
    this.#host = host;
    this.logs = host.logOf(definition);
    this.#record = new DaemonRecord(definition, memory, host.nowMs());
    this.#watch = this.#newWatch();
    this.#wait = this.#newWait();
    this.logs.follow(({ text }) => {
      if (this.#record.run?.awaitsLine !== true) return;
      this.#record.run.wrote(text, this.#host.nowMs());
      this.#mustEnd(null);
    });
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

  /** Wants it up: as soon as its dependencies allow, or for a job at its next time. Past crashes still count. */
  start(): void {
    if (this.#retired || this.#wanted) return;
    this.#wanted = true;
    this.record.comesBack();
    if (this.#run === null) this.#wait.awaitSchedule();
    this.advance();
  }

  /** Wants it up now, as an operator does: it waits for no retry and no schedule, and past crashes are forgotten. */
  startNow(): void {
    if (this.#retired || (this.#wanted && this.#run !== null)) return;
    this.#wanted = true;
    this.#wait.clear();
    if (this.#run === null) this.record.wanted();
    else this.record.operatorSaid("start");
    this.advance();
  }

  /** Takes over a run of an earlier supervisor. */
  adopt(saved: SavedRun, files: RunFiles): void {
    this.#wanted = true;
    const { name, notifyFd } = this.record.definition;
    const surroundings = {
      log: this.logs,
      containment: this.#host.containment(name, saved.token),
      readers: files.reopen(saved.pid, notifyFd),
    };
    const record = this.record.starting(this.#host.nowMs() - saved.ageMs, false);
    this.#begin(record, (listener) => new AdoptedProcess(saved, surroundings, listener), saved);
  }

  /** The run as a later supervisor must know it to adopt it; null without processes. */
  saved(now: number): SavedRun | null {
    const identity = this.#run?.identity ?? null;
    const { ready = false, startedAt = now } = this.record.run ?? {};
    return identity === null ? null : { ...identity, ready, ageMs: now - startedAt };
  }

  /** It was stopped by an operator of an earlier supervisor, and stays so. */
  keepStopped(): void {
    // What is left of that stop goes on; until it is over the daemon is not stopped.
    if (this.#run === null) this.record.stopped("stopped by an operator", true, this.#host.nowMs());
  }

  /** Starts it if it is wanted, not running and nothing is to be waited for. */
  advance(): void {
    if (!this.#wanted || this.#run !== null || this.#wait.pending || this.record.resting) return;
    const unmet = this.#host.unmet(this.record.definition.name);
    const now = this.#host.nowMs();
    if (unmet.length > 0) this.record.waitingFor(unmet);
    else if (this.#wait.mayLaunch(now)) this.#launch(now);
  }

  /** Takes another definition, in force from the next `stop` on; without one (null) it stays down once stopped. */
  redefine(definition: DaemonDefinition | null): void {
    this.#retired = definition === null;
    if (definition !== null) this.#next = definition;
  }

  /** Ends the run and all it started; resolves when it is gone or has proved unkillable. */
  async stop(order: StopOrder): Promise<void> {
    this.#wanted = false;
    this.#stop = { reason: order.reason, byOperator: order.byOperator || this.#stop.byOperator };
    this.#wait.clear();
    if (order.byOperator) this.record.operatorSaid("stop");
    if (this.#ending === null) {
      if (this.#run === null) return this.#settleStopped();
      this.record.stopping(order.reason);
      // Else a supervisor that is killed meanwhile leaves a daemon that the next one believes to be wanted.
      const after = order.byOperator ? this.#host.remembered() : null;
      this.#end(this.#run, null, order.longestGraceMs, after);
      this.#tell();
    }
    await this.#ending;
  }

  /** Goes down with another daemon, and comes back with it after `delayMs` if it is to. */
  async takeDown({ reaction, why }: Loss, delayMs: number | null): Promise<void> {
    if (!this.#wanted || this.record.resting) return;
    if (reaction === "stop") return await this.stop({ reason: why, byOperator: false });
    // One that dies or is stopped already follows its own way.
    if (this.#run === null || this.#ending !== null) return;
    this.record.stopping(why);
    this.#end(this.#run, () => {
      this.#emit("DAEMON_STOPPED", why);
      this.record.takenDown(why, this.#host.nowMs());
      this.#wait.restartIn(delayMs ?? 0);
    });
    this.#tell();
    await this.#ending;
  }

  /** Kills what runs, at once and without waiting for anything: the supervisor is about to be gone. */
  abandon(): void {
    this.#wanted = false;
    this.#wait.clear();
    this.#run?.killNow();
  }

  /** Looks at what the run uses. */
  sample(): void {
    if (this.#ending === null) this.#watch.sample();
  }

  #launch(now: number): void {
    const { definition } = this.record;
    const { env, containment, files } = this.#host;
    this.#begin(this.record.starting(now, this.#wait.isRestart), (listener) => {
      const held = { containment: containment(definition.name), files: files(definition.name) };
      return startRun(definition, { env, log: this.logs, ...held }, listener);
    });
  }

  /** `begin` starts a run or takes one over; the listener is told in a later turn. */
  #begin(record: RunRecord, begin: (listener: RunListener) => Run, adopted: SavedRun | null = null): void {
    const current = (): boolean => this.#run === run && this.#ending === null;
    const run = begin({
      spawned: (pid) => {
        if (!current()) return;
        record.nowRuns(pid, this.#host.nowMs());
        if (adopted?.ready === true) record.wasReady(this.#host.nowMs());
        const how = pid === null ? "in this process" : `pid ${pid}${adopted === null ? "" : ", adopted"}`;
        if (!this.record.crashLooping) this.#emit("DAEMON_STARTED", how);
        this.#watch.awaitNext();
        this.#tell();
      },
      exited: (exit) => {
        if (current()) this.#died(run, exit);
      },
      notStarted: (reason, refused) => {
        if (!current()) return;
        if (!refused) return this.#died(run, { kind: "failed", reason });
        this.#run = null;
        this.record.refused(reason);
        this.#emit("DAEMON_FAILED", reason);
        this.#tell();
      },
      notified: (line) => {
        if (current()) this.#mustEnd(record.notified(line, this.#host.nowMs()));
      },
    });
    this.#run = run;
    this.#watch.awaitNext();
    this.#host.changed();
  }

  #died(run: Run, exit: Exit): void {
    const wasLooping = this.record.crashLooping;
    const after = this.record.died(exit, this.#host.nowMs(), this.#host.random());
    for (const [event, reason] of deathEvents(after, wasLooping))
      this.#emit(event, reason, this.logs.lastWords());
    const delayMs = after.kind === "ended" ? null : after.delayMs;
    this.#end(run, () => {
      if (delayMs === null) this.#wait.awaitSchedule();
      else this.#wait.restartIn(delayMs);
    });
    if (after.kind !== "ended" || !after.success) this.#host.lost(this.record.definition.name, delayMs);
    this.#tell();
  }

  /** Whatever is left of the run must be gone before anything follows: `then`, or being stopped. */
  #end(
    run: Run,
    then: (() => void) | null,
    longestGraceMs = Infinity,
    after: Promise<void> | null = null,
  ): void {
    const { stop } = this.record.definition;
    const steps = { ...stop, graceMs: Math.min(stop.graceMs, longestGraceMs), after };
    // A check of what is ending must not outlive it.
    this.#ending = endRun(run, steps, this.#watch.end(), {
      stuck: (left) => {
        this.record.stuck(left);
        this.#emit("DAEMON_FAILED", this.record.verdict().message);
        this.#tell();
      },
      gone: () => {
        this.#ending = null;
        this.#run = null;
        if (!this.#wanted || this.#next !== null || then === null) this.#settleStopped(run.ending);
        else then();
        // A start asked for meanwhile.
        this.advance();
        this.#tell();
      },
    });
  }

  #settleStopped(ending: RunEnding | null = null): void {
    // A start may have been asked for while it was stopping.
    const already = this.record.state === "stopped";
    const reason = ending === null ? this.#stop.reason : `${this.#stop.reason}: ${endingText(ending)}`;
    const keeps = this.#stop.byOperator || this.record.stoppedByOperator;
    if (this.#next !== null) {
      this.#record = new DaemonRecord(this.#next);
      this.#watch = this.#newWatch();
      this.#wait = this.#newWait();
    }
    this.record.stopped(reason, keeps, this.#host.nowMs());
    this.#next = null;
    this.#stop = { reason: "stopped by request", byOperator: false };
    if (!already) this.#emit("DAEMON_STOPPED", reason);
    if (this.#wanted) this.record.wanted();
    this.#tell();
  }

  #newWait(): LaunchWait {
    return new LaunchWait(this.record, this.#host, () => this.advance());
  }

  #newWatch(): RunWatch {
    const pids = (): readonly number[] => this.#run?.pids ?? [];
    return new RunWatch(this.record, this.#host, pids, (mustEnd) => this.#mustEnd(mustEnd));
  }

  /** Something was learnt of the run: it ends for `reason`, or goes on. */
  #mustEnd(reason: string | null): void {
    if (this.#run === null || this.#ending !== null) return;
    if (reason !== null) this.#died(this.#run, { kind: "failed", reason });
    else {
      this.#watch.awaitNext();
      this.#tell();
    }
  }

  #emit(event: DaemonEventName, reason: string, lastWords = ""): void {
    this.#host.emit(event, this.record.definition.name, reason.slice(0, 1000), lastWords);
  }

  #tell(): void {
    const transition = this.record.healthTransition();
    if (transition !== null) this.#emit(transition, this.record.verdict().message);
    this.#host.changed();
  }
}
