import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type DaemonHealth, HealthCheckResult, RingRiftError } from "@ringrift/protocol";
import type { DaemonMemory } from "./core/daemon-memory.ts";
import { DaemonPlan } from "./core/daemon-plan.ts";
import { checkFleetLimits, defaultFleetLimits, FleetGate } from "./core/fleet-gate.ts";
import { type DaemonDefinition, runPart } from "./definition/definition.ts";
import { checkDefinitions } from "./definition/definition-problems.ts";
import type { DaemonLogs } from "./log/daemon-log.ts";
import type { LogLine } from "./log/log-ring.ts";
import type { DaemonManager, DaemonManagerOptions } from "./manager-options.ts";
import { inheritedEnvironment } from "./process/child-environment.ts";
import { tellOf } from "./runner/daemon-event.ts";
import { DaemonRunner } from "./runner/daemon-runner.ts";
import type { RunnerHost } from "./runner/runner-host.ts";
import { inStopOrder } from "./runner/stop-order.ts";
import { Succession } from "./state/succession.ts";

const sampleEveryMs = 5_000;

/**
 * Supervises the programs of `definitions`.
 * @throws RingRiftError `DAEMONS_INVALID` for duplicates, unknown dependencies, cycles and unreachable limits.
 */
export function createDaemonManager(options: DaemonManagerOptions): DaemonManager {
  return new Manager(options);
}

class Manager implements DaemonManager {
  readonly #host: RunnerHost;
  readonly #succession: Succession;
  #plan: DaemonPlan;
  readonly #runners = new Map<string, DaemonRunner>();
  #sampling: NodeJS.Timeout | undefined;
  readonly #lastWord = new Map<string, number>();
  #started = false;
  #advanceQueued = false;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: DaemonManagerOptions) {
    checkDefinitions(options.definitions);
    const limits = { ...defaultFleetLimits, ...options.fleet };
    checkFleetLimits(limits);
    const nowMs = options.nowMs ?? (() => performance.now());
    const wallMs = options.wallMs ?? Date.now;
    this.#succession = new Succession({ ...options, nowMs, wallMs }, this.#runners);
    this.#host = {
      nowMs,
      wallMs,
      random: options.random ?? Math.random,
      env: inheritedEnvironment(options.env ?? process.env),
      fleet: new FleetGate(nowMs(), limits),
      containment: (name, token) => this.#succession.containment(name, token),
      checkContainment: (name) => this.#succession.checkContainment(name),
      files: (name) => this.#succession.files(name),
      logOf: (definition) => this.#succession.logOf(definition),
      unmet: (name) => this.#plan.unmet(name, (other) => this.#runners.get(other)?.record),
      lost: (name, delayMs) => void this.#lost(name, delayMs),
      remembered: () => this.#succession.remembered(),
      emit: (event, daemon, reason, lastWords) => tellOf(options, event, daemon, reason, lastWords),
      changed: () => {
        this.#queueAdvance();
        this.#succession.save();
      },
    };
    const memories = options.memories ?? this.#succession.memories();
    for (const definition of options.definitions) this.#add(definition, memories.get(definition.name));
    this.#plan = new DaemonPlan(options.definitions);
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#succession.takeOver();
    if (!this.#started) return;
    for (const name of this.#plan.startOrder) {
      const runner = this.#runner(name);
      if (runner.record.stoppedByOperator) runner.keepStopped();
      else runner.start();
    }
    this.#sampling ??= setInterval(() => {
      for (const runner of this.#runners.values()) runner.sample();
    }, sampleEveryMs).unref();
  }

  async stop(withinMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#started = false;
    clearInterval(this.#sampling);
    this.#sampling = undefined;
    const before = this.#host.nowMs() + withinMs;
    await this.#inStopOrder([...this.#runners.keys()], async (runner, name) => {
      // What is left of the time is shared with those that can only be stopped afterwards.
      const longestGraceMs = Math.max(0, before - this.#host.nowMs()) / this.#plan.stopsFrom(name);
      await runner.stop({ reason: "stopped with the supervisor", byOperator: false, longestGraceMs });
    });
    await this.#succession.close();
  }

  abandon(): void {
    this.#started = false;
    for (const runner of this.#runners.values()) runner.abandon();
  }

  // An operator's word counts after a reload that is under way, else the reload would undo it.
  async startDaemon(name: string): Promise<void> {
    await this.#reloading;
    const runner = this.#runner(name);
    this.#mustRun(name);
    this.#newWord(name);
    await this.#startNow(runner);
  }

  async stopDaemon(name: string): Promise<void> {
    await this.#reloading;
    const runner = this.#runner(name);
    this.#newWord(name);
    const stopped = runner.stop({ reason: "stopped by an operator", byOperator: true });
    await Promise.all([stopped, this.#lost(name, null)]);
    await this.#succession.remembered();
  }

  async restartDaemon(name: string): Promise<void> {
    await this.#reloading;
    const runner = this.#runner(name);
    this.#mustRun(name);
    const word = this.#newWord(name);
    const stopped = runner.stop({ reason: "restarted by an operator", byOperator: false });
    await Promise.all([stopped, this.#lost(name, null)]);
    // The stop of all may have come meanwhile, and what an operator said later counts more.
    this.#mustRun(name);
    if (this.#lastWord.get(name) === word) await this.#startNow(runner);
  }

  async #startNow(runner: DaemonRunner): Promise<void> {
    runner.startNow();
    // By then the kernel has started its program or refused to.
    await Promise.all([setImmediate(), this.#succession.remembered()]);
  }

  /** Numbers what operators ask of a daemon. */
  #newWord(name: string): number {
    const word = (this.#lastWord.get(name) ?? 0) + 1;
    this.#lastWord.set(name, word);
    return word;
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
    return this.#started && this.unready().length === 0;
  }

  unready(): readonly string[] {
    return [...this.#runners].flatMap(([name, { wanted, record }]) =>
      wanted && !record.settled ? [`${name} (${record.state})`] : [],
    );
  }

  logs(name: string): DaemonLogs {
    return this.#runner(name).logs.snapshot();
  }

  followLogs(name: string, follower: (line: LogLine) => void): () => void {
    return this.#runner(name).logs.follow(follower);
  }

  memories(): ReadonlyMap<string, DaemonMemory> {
    const now = this.#host.nowMs();
    return new Map([...this.#runners].map(([name, runner]) => [name, runner.record.memory(now)]));
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
    await this.#inStopOrder([...leaving], async (runner) => {
      if (runner.wanted) toStart.add(runner.definition.name);
      await runner.stop({ reason: "stopped by a reload", byOperator: false });
    });
    const old = new Map(this.#runners);
    this.#runners.clear();
    for (const definition of definitions) {
      const kept = old.get(definition.name);
      if (kept === undefined) this.#add(definition);
      else this.#runners.set(definition.name, kept);
    }
    // What cannot be killed stays in sight until it is gone.
    for (const [name, runner] of old) if (runner.retired) this.#runners.set(name, runner);
    this.#plan = new DaemonPlan(definitions);
    this.#succession.prepare(definitions);
    this.#forgetGone();
    if (!this.#started) return;
    for (const name of this.#plan.startOrder) if (toStart.has(name)) this.#runner(name).start();
  }

  /** Tells each runner what it becomes; `leaving` must end for it, `toStart` is new. */
  #prepare(next: ReadonlyMap<string, DaemonDefinition>): { leaving: Set<string>; toStart: Set<string> } {
    const leaving = new Set<string>();
    const toStart = new Set([...next.keys()].filter((name) => this.#runners.get(name)?.retired !== false));
    for (const [name, runner] of this.#runners) {
      const definition = next.get(name);
      if (definition !== undefined) {
        runner.logs.limit(definition.logs);
        const same = isDeepStrictEqual(runPart(runner.definition), runPart(definition));
        if (same && !runner.retired) continue;
      }
      leaving.add(name);
      runner.redefine(definition ?? null);
    }
    return { leaving, toStart };
  }

  #forgetGone(): void {
    for (const [name, { retired, record, logs }] of this.#runners) {
      if (!retired || record.state !== "stopped") continue;
      this.#runners.delete(name);
      void logs.close();
      this.#lastWord.delete(name);
    }
  }

  #mustRun(name: string): void {
    if (this.#started) return;
    throw new RingRiftError(`Daemon "${name}" cannot be started: the supervisor is not running.`, {
      code: "SUPERVISOR_NOT_RUNNING",
      nextStep: "Start the supervisor first.",
    });
  }

  /** Its run is lost: who hangs on it goes down too, and comes back with it. */
  async #lost(lost: string, delayMs: number | null): Promise<void> {
    const losses = this.#plan.lossesOf(lost, delayMs !== null);
    await this.#inStopOrder(
      losses.map((loss) => loss.name),
      async (runner, name) => {
        const loss = losses.find((one) => one.name === name);
        if (loss !== undefined) await runner.takeDown(loss, delayMs);
      },
    );
  }

  async #inStopOrder(
    names: readonly string[],
    end: (runner: DaemonRunner, name: string) => Promise<void>,
  ): Promise<void> {
    await inStopOrder(this.#plan, names, async (name) => {
      const runner = this.#runners.get(name);
      if (runner !== undefined) await end(runner, name);
    });
  }

  #add(definition: DaemonDefinition, memory: DaemonMemory | null = null): void {
    this.#runners.set(definition.name, new DaemonRunner(definition, this.#host, memory));
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
}
