import {
  checkEventData,
  type DaemonHealth,
  type EventOccurrence,
  errorText,
  HealthCheckResult,
  RingRiftError,
} from "@ringrift/protocol";
import { CascadeBreaker } from "./cascade-breaker.ts";
import { type DaemonEventName, DaemonRunner, type RunnerHost } from "./daemon-runner.ts";
import { checkDefinitions, type DaemonDefinition } from "./definition.ts";
import { dependentsOf, startOrder, stopOrder } from "./dependency-graph.ts";
import type { LogLine } from "./log-ring.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface DaemonManagerOptions {
  readonly definitions: readonly DaemonDefinition[];
  /** Named in every event. */
  readonly nodeId: string;
  readonly onEvent: (event: EventOccurrence) => void;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
  /** In [0, 1); spreads the restart delays. */
  readonly random?: () => number;
  /** Environment the daemons start from; the supervisor's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface DaemonLogs {
  readonly lines: readonly LogLine[];
  /** Lines that fell out of the ring. */
  readonly dropped: number;
  readonly cutCharacters: number;
}

export interface DaemonManager {
  /** Starts what has no dependencies and returns; the others follow as their dependencies become ready. */
  start(): Promise<void>;
  /** Stops all, dependents first; resolves when every group is gone or has proved unkillable (state `stuck`). */
  stop(): Promise<void>;
  /** Starts one, forgetting its past crashes. @throws RingRiftError `DAEMON_UNKNOWN`, `SUPERVISOR_NOT_RUNNING` */
  startDaemon(name: string): Promise<void>;
  /** Stops one; it stays stopped until it is started by name. @throws RingRiftError `DAEMON_UNKNOWN` */
  stopDaemon(name: string): Promise<void>;
  /** @throws RingRiftError `DAEMON_UNKNOWN`, `SUPERVISOR_NOT_RUNNING` */
  restartDaemon(name: string): Promise<void>;
  /** @throws RingRiftError `DAEMON_UNKNOWN` */
  getDaemonHealth(name: string): HealthCheckResult;
  daemons(): DaemonHealth[];
  /** True while every critical daemon is healthy. */
  livenessProbe(): boolean;
  /** True once every daemon that is not stopped by an operator is ready. */
  readinessProbe(): boolean;
  /** The last lines a daemon wrote. @throws RingRiftError `DAEMON_UNKNOWN` */
  logs(name: string): DaemonLogs;
  /** Restarts only what changed, stops what is gone, starts what is new. @throws RingRiftError `DAEMONS_INVALID` */
  reload(definitions: readonly DaemonDefinition[]): Promise<void>;
}

const eventLevels: Readonly<Record<DaemonEventName, LogLevel>> = {
  DAEMON_STARTED: "info",
  DAEMON_STOPPED: "info",
  DAEMON_FAILED: "warn",
  DAEMON_DEGRADED: "error",
  COORDINATOR_HEALTHY: "info",
  COORDINATOR_UNHEALTHY: "warn",
};

/**
 * Supervises the programs of `definitions`.
 * @throws RingRiftError `DAEMONS_INVALID` for duplicates, unknown dependencies, cycles and unreachable limits.
 */
export function createDaemonManager(options: DaemonManagerOptions): DaemonManager {
  return new Manager(options);
}

class Manager implements DaemonManager {
  readonly #options: DaemonManagerOptions;
  readonly #host: RunnerHost;
  #runners = new Map<string, DaemonRunner>();
  #started = false;
  #advanceQueued = false;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: DaemonManagerOptions) {
    checkDefinitions(options.definitions);
    this.#options = options;
    const nowMs = options.nowMs ?? (() => performance.now());
    this.#host = {
      nowMs,
      random: options.random ?? Math.random,
      env: { ...(options.env ?? process.env) },
      cascade: new CascadeBreaker(nowMs()),
      unready: (definition) =>
        definition.dependsOn.filter((name) => this.#runners.get(name)?.record.ready !== true),
      emit: (event, daemon, reason) => this.#emit(event, daemon, reason),
      changed: () => this.#queueAdvance(),
    };
    for (const definition of options.definitions) this.#add(definition);
  }

  async start(): Promise<void> {
    this.#started = true;
    for (const name of startOrder(this.#definitions())) this.#runner(name).start();
  }

  async stop(): Promise<void> {
    this.#started = false;
    await this.#stopAll(stopOrder(this.#definitions()));
  }

  // An operator's word counts after a reload that is under way, else the reload would undo it.
  async startDaemon(name: string): Promise<void> {
    await this.#reloading;
    const runner = this.#runner(name);
    this.#mustRun(name);
    runner.start();
  }

  async stopDaemon(name: string): Promise<void> {
    await this.#reloading;
    await this.#runner(name).stop();
  }

  async restartDaemon(name: string): Promise<void> {
    await this.#reloading;
    const runner = this.#runner(name);
    this.#mustRun(name);
    await runner.stop();
    // The stop of all may have come meanwhile.
    this.#mustRun(name);
    runner.start();
  }

  getDaemonHealth(name: string): HealthCheckResult {
    const { record } = this.#runner(name);
    return new HealthCheckResult({ ...record.verdict(), details: { ...record.health(this.#host.nowMs()) } });
  }

  daemons(): DaemonHealth[] {
    const now = this.#host.nowMs();
    return [...this.#runners.values()].map((runner) => runner.record.health(now));
  }

  livenessProbe(): boolean {
    return [...this.#runners.values()].every(
      ({ record }) => !record.definition.critical || record.verdict().status === "healthy",
    );
  }

  readinessProbe(): boolean {
    return (
      this.#started && [...this.#runners.values()].every(({ wanted, record }) => !wanted || record.ready)
    );
  }

  logs(name: string): DaemonLogs {
    return this.#runner(name).logs.snapshot();
  }

  async reload(definitions: readonly DaemonDefinition[]): Promise<void> {
    checkDefinitions(definitions);
    // One at a time: two at once would each start their own copy of what changed.
    const reload = this.#reloading.then(() => this.#replace(definitions));
    this.#reloading = reload.catch(() => undefined);
    await reload;
  }

  async #replace(definitions: readonly DaemonDefinition[]): Promise<void> {
    const { leaving, toStart } = this.#prepare(new Map(definitions.map((one) => [one.name, one])));
    await this.#stopAll(
      stopOrder(this.#definitions()).filter((name) => leaving.has(name)),
      (runner) => {
        if (runner.wanted) toStart.add(runner.definition.name);
      },
    );
    const old = this.#runners;
    this.#runners = new Map();
    for (const definition of definitions) {
      const kept = old.get(definition.name);
      if (kept === undefined) this.#add(definition);
      else this.#runners.set(definition.name, kept);
    }
    // What cannot be killed stays in sight until it is gone.
    for (const [name, runner] of old) if (runner.retired) this.#runners.set(name, runner);
    this.#forgetGone();
    if (!this.#started) return;
    for (const name of startOrder(definitions)) if (toStart.has(name)) this.#runner(name).start();
  }

  /** Tells each runner what it becomes; `leaving` must end for it, `toStart` is new. */
  #prepare(next: ReadonlyMap<string, DaemonDefinition>): { leaving: Set<string>; toStart: Set<string> } {
    const leaving = new Set<string>();
    const toStart = new Set([...next.keys()].filter((name) => this.#runners.get(name)?.retired !== false));
    for (const [name, runner] of this.#runners) {
      const definition = next.get(name);
      const same = JSON.stringify(runner.definition) === JSON.stringify(definition);
      if (same && !runner.retired) continue;
      leaving.add(name);
      if (definition === undefined) runner.retire();
      else runner.redefine(definition);
    }
    return { leaving, toStart };
  }

  #forgetGone(): void {
    for (const [name, { retired, record }] of this.#runners) {
      if (retired && record.state === "stopped") this.#runners.delete(name);
    }
  }

  #mustRun(name: string): void {
    if (this.#started) return;
    throw new RingRiftError(`Daemon "${name}" cannot be started: the supervisor is not running.`, {
      code: "SUPERVISOR_NOT_RUNNING",
      nextStep: "Start the supervisor first.",
    });
  }

  /** Each waits for those that depend on it; unrelated ones stop at the same time. */
  async #stopAll(
    names: readonly string[],
    beforeEach: (runner: DaemonRunner) => void = () => undefined,
  ): Promise<void> {
    const definitions = this.#definitions();
    const stopped = new Map<string, Promise<void>>();
    for (const name of names) {
      const dependents = dependentsOf(definitions, name).map((dependent) => stopped.get(dependent));
      const runner = this.#runner(name);
      stopped.set(
        name,
        Promise.all(dependents).then(() => {
          beforeEach(runner);
          return runner.stop();
        }),
      );
    }
    await Promise.all(stopped.values());
  }

  #definitions(): DaemonDefinition[] {
    return [...this.#runners.values()].map((runner) => runner.record.definition);
  }

  #add(definition: DaemonDefinition): void {
    this.#runners.set(definition.name, new DaemonRunner(definition, this.#host));
  }

  #runner(name: string): DaemonRunner {
    const runner = this.#runners.get(name);
    if (runner !== undefined) return runner;
    throw new RingRiftError(
      `There is no daemon "${name}"; defined are ${[...this.#runners.keys()].slice(0, 20).join(", ") || "none"}.`,
      { code: "DAEMON_UNKNOWN", nextStep: "Use a name from the daemons file." },
    );
  }

  /** Once per turn, so that a change seen by a runner in the middle of its work cannot re-enter it. */
  #queueAdvance(): void {
    if (this.#advanceQueued) return;
    this.#advanceQueued = true;
    queueMicrotask(() => {
      this.#advanceQueued = false;
      this.#forgetGone();
      for (const runner of this.#runners.values()) runner.advance();
    });
  }

  /** A listener that throws must not stop the supervision. */
  #emit(name: DaemonEventName, daemon: string, reason: string): void {
    const occurrence: EventOccurrence = { name, data: { nodeId: this.#options.nodeId, daemon, reason } };
    try {
      this.#options.log(eventLevels[name], `${name} ${daemon}: ${reason}`, { daemon });
      checkEventData(occurrence);
      this.#options.onEvent(occurrence);
    } catch (error) {
      this.#options.log("error", `A listener of ${name} failed: ${errorText(error)}`, { daemon });
    }
  }
}
