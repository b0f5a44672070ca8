import type { DaemonDefinition, Probe } from "../definition/definition.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { parseNotification } from "./notify-line.ts";
import { ProbeThresholds } from "./probe-thresholds.ts";
import type { ResourceUse } from "./resource-use.ts";
import { Watchdog } from "./watchdog.ts";

/**
 * What is known of one run of a daemon, from its start to its end. Calls that return a text name the reason why the run must
 * end; null lets it go on. Times are monotonic milliseconds.
 */
export class RunRecord {
  readonly startedAt: number;
  readonly #definition: DaemonDefinition;
  readonly #probes: ProbeThresholds;
  readonly #memory: MemoryWatch | null;
  readonly #readyLine: RegExp | null;
  /** Until it is ready: the time it has for that. Afterwards: the watchdog. */
  #deadline: Watchdog | null;
  #pid: number | null = null;
  #spawned = false;
  #readySince: number | null = null;
  #use: ResourceUse | null = null;
  #reason = "starting";

  constructor(definition: DaemonDefinition, now: number) {
    const { readiness, memory } = definition;
    this.startedAt = now;
    this.#definition = definition;
    this.#probes = new ProbeThresholds(definition, now);
    this.#memory = memory === null ? null : new MemoryWatch(memory);
    this.#readyLine = readiness?.kind === "logLine" ? new RegExp(readiness.pattern, "u") : null;
    this.#deadline = readiness === null ? null : new Watchdog(readiness.withinMs, now);
  }

  get pid(): number | null {
    return this.#pid;
  }

  get spawned(): boolean {
    return this.#spawned;
  }

  get readySince(): number | null {
    return this.#readySince;
  }

  get ready(): boolean {
    return this.#readySince !== null;
  }

  /** Its last health checks failed, and not yet enough passes have followed. */
  get failing(): boolean {
    return this.#probes.failing;
  }

  get use(): ResourceUse | null {
    return this.#use;
  }

  /** What was last learnt of it. */
  get reason(): string {
    return this.#reason;
  }

  /** The program runs; with nothing to wait for that is all there is to be ready for. */
  nowRuns(pid: number | null, now: number): void {
    this.#pid = pid;
    this.#spawned = true;
    const { readiness, liveness, startup } = this.#definition;
    if (readiness === null && liveness === null && startup === null) this.#becomeReady(now, "running");
    else this.#reason = "running, not ready yet";
  }

  /** It was ready under an earlier supervisor, and will not say so again. */
  wasReady(now: number): void {
    if (!this.ready) this.#becomeReady(now, "running, adopted");
  }

  /** What to ask the daemon next, null when there is nothing to ask. */
  nextProbe(): { readonly probe: Probe; readonly delayMs: number } | null {
    return this.#spawned ? this.#probes.next(this.ready) : null;
  }

  probed(ok: boolean, reason: string, now: number): string | null {
    const wasStartedUp = this.#probes.startedUp;
    const verdict = this.#probes.answered(ok, reason, this.ready, now);
    this.#reason = verdict.reason;
    if (verdict.kind === "passed" && !this.ready) this.#becomeReady(now, verdict.reason);
    // The time for becoming ready counts from the end of the start-up, however long that took.
    else if (!wasStartedUp && this.#probes.startedUp && this.#definition.readiness !== null)
      this.#deadline = new Watchdog(this.#definition.readiness.withinMs, now);
    return verdict.kind === "failed" ? verdict.reason : null;
  }

  /** Takes a line from the notification pipe. */
  notified(line: string, now: number): string | null {
    const said = parseNotification(line, this.ready);
    if (said.kind === "ready" && this.#definition.readiness?.kind === "notify" && !this.ready)
      this.#becomeReady(now, "said that it is ready");
    else if (said.kind === "extend") this.#deadline?.extend(said.byMs, now);
    else if (said.kind === "status") this.#reason = said.text;
    else if (said.kind === "failing") return "told its watchdog to restart it";
    else if (said.kind === "alive" && this.ready) this.#deadline?.alive(now);
    return null;
  }

  /** True while lines of its output may make it ready. */
  get awaitsLine(): boolean {
    return this.#readyLine !== null && !this.ready && this.#probes.startedUp;
  }

  /** Takes a line that the daemon wrote. */
  wrote(line: string, now: number): void {
    if (this.awaitsLine && this.#readyLine?.test(line) === true)
      this.#becomeReady(now, `wrote "${line.slice(0, 100)}"`);
  }

  sampled(use: ResourceUse): void {
    this.#use = use;
  }

  /** Null without a memory limit. */
  get memory(): MemoryWatch | null {
    return this.#memory;
  }

  /** Milliseconds until it must have been heard of, null when nothing is awaited. */
  deadlineInMs(now: number): number | null {
    // The start-up probe has a limit of its own.
    return this.#probes.startedUp ? (this.#deadline?.dueInMs(now) ?? null) : null;
  }

  overdue(now: number): string | null {
    if (this.deadlineInMs(now) !== 0) return null;
    const { readiness, watchdogMs } = this.#definition;
    return this.ready
      ? `watchdog: no sign of life for ${(watchdogMs ?? 0) / 1000} s`
      : `not ready within ${(readiness?.withinMs ?? 0) / 1000} s of its start`;
  }

  /** Ready long enough to count as stable. */
  stable(): void {
    if (!this.failing) this.#reason = "running, stable";
  }

  #becomeReady(now: number, reason: string): void {
    const { watchdogMs } = this.#definition;
    this.#readySince = now;
    this.#deadline = watchdogMs === null ? null : new Watchdog(watchdogMs, now);
    this.#reason = reason;
  }
}
