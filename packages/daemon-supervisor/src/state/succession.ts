import { randomBytes } from "node:crypto";
import { agedMemory, type DaemonMemory } from "../core/daemon-memory.ts";
import type { DaemonDefinition } from "../definition/definition.ts";
import { DaemonLog } from "../log/daemon-log.ts";
import type { LogLevel } from "../manager-options.ts";
import { CgroupLeaf } from "../process/cgroup-leaf.ts";
import type { ContainmentOptions } from "../process/containment.ts";
import { currentBootId } from "../process/process-stat.ts";
import { ProcessTable } from "../process/process-table.ts";
import type { DaemonRunner } from "../runner/daemon-runner.ts";
import { checkScope, endLeftChecks, endLeftRun, leftRuns } from "./adoption.ts";
import type { RunFiles } from "./run-files.ts";
import type { SavedRun } from "./supervisor-state.ts";
import { definitionDigest, SupervisorStore } from "./supervisor-store.ts";

export interface SuccessionOptions {
  readonly stateDir?: string;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

/** What passes from one supervisor to the next: running daemons, their logs and their past. Without a directory, nothing. */
export class Succession {
  readonly #options: SuccessionOptions;
  readonly #runners: ReadonlyMap<string, DaemonRunner>;
  readonly #table = new ProcessTable();
  readonly #scope: string;
  #store: SupervisorStore | null;
  #hasTakenOver = false;
  #written = "";

  /** @throws RingRiftError `SUPERVISOR_ALREADY_RUNNING`, `STATE_UNUSABLE` */
  constructor(options: SuccessionOptions, runners: ReadonlyMap<string, DaemonRunner>) {
    this.#options = options;
    this.#runners = runners;
    this.#store = this.#open();
    this.#scope = this.#store?.scope ?? randomBytes(8).toString("hex");
  }

  /** Holds the processes of a run; without `token` of a new one. */
  containment(name: string, token?: string): ContainmentOptions {
    return {
      token: token ?? `${this.#scope}:${name}:${randomBytes(8).toString("hex")}`,
      table: this.#table,
      holders: () => this.files(name)?.holders() ?? [],
    };
  }

  /** Holds the processes of a health check; no cgroup, since most are gone before they would be in it. */
  checkContainment(name: string): ContainmentOptions {
    const token = `${checkScope(this.#scope)}${name}:${randomBytes(8).toString("hex")}`;
    return { token, table: this.#table, useCgroup: false };
  }

  files(name: string): RunFiles | null {
    return this.#store?.files(name) ?? null;
  }

  logOf({ name, logs }: DaemonDefinition): DaemonLog {
    const path = this.files(name)?.log ?? null;
    const onProblem = (text: string): void => this.#options.log("error", text, { daemon: name });
    return new DaemonLog(logs, this.#options.wallMs, path === null ? null : { path, onProblem });
  }

  /** What the supervisor before remembered, aged up to now. */
  memories(): ReadonlyMap<string, DaemonMemory> {
    const earlier = this.#store?.earlier ?? null;
    if (earlier === null) return new Map();
    const byMs = this.#options.wallMs() - earlier.savedAtMs;
    return new Map(
      Object.entries(earlier.daemons).map(([name, { memory }]) => [name, agedMemory(memory, byMs)]),
    );
  }

  prepare(definitions: readonly DaemonDefinition[]): void {
    this.#store?.prepare(definitions);
  }

  /** Goes on with what an earlier supervisor left running; what is no longer defined is ended. */
  async takeOver(): Promise<void> {
    this.#store ??= this.#open();
    const store = this.#store;
    if (store === null) return;
    const definitions = [...this.#runners.values()].map((runner) => runner.definition);
    store.prepare(definitions);
    if (this.#hasTakenOver) return;
    this.#hasTakenOver = true;
    CgroupLeaf.removeEmpty(this.#scope);
    await endLeftChecks(this.#scope, this.#table);
    for (const [name, run] of await leftRuns(store, definitions, this.#table, this.#options.wallMs())) {
      const runner = this.#runners.get(name);
      if (runner === undefined) void this.#endLeft(name, run);
      else this.#adopt(runner, run, store);
    }
  }

  /** Soon writes down what is known, if it is news: ages grow by themselves. */
  save(): void {
    this.#store?.save(() => {
      const news = JSON.stringify([...this.#runners].map(([name, runner]) => [name, essence(runner)]));
      if (news === this.#written) return null;
      this.#written = news;
      const now = this.#options.nowMs();
      const daemons = [...this.#runners].map(([name, runner]) => {
        const definition = definitionDigest(runner.record.definition);
        return [name, { definition, memory: runner.record.memory(now), run: runner.saved(now) }] as const;
      });
      const savedAtMs = this.#options.wallMs();
      return { schema: 1, bootId: currentBootId(), savedAtMs, daemons: Object.fromEntries(daemons) };
    });
  }

  /** Resolves when what is known now outlives this process; null where nothing does. */
  remembered(): Promise<void> | null {
    this.save();
    return this.#store?.flush() ?? null;
  }

  /** Writes everything and lets the directory go. */
  async close(): Promise<void> {
    this.save();
    await Promise.all([...this.#runners.values()].map(({ logs }) => logs.close()));
    await this.#store?.close();
    this.#store = null;
  }

  #open(): SupervisorStore | null {
    const { stateDir, log, wallMs } = this.#options;
    return stateDir === undefined
      ? null
      : new SupervisorStore(stateDir, wallMs(), (text) => log("error", text));
  }

  #adopt(runner: DaemonRunner, run: SavedRun, store: SupervisorStore): void {
    const { definition, record } = runner;
    const digest = store.earlier?.daemons[definition.name]?.definition;
    const changed = digest !== undefined && digest !== definitionDigest(definition);
    const byOperator = record.stoppedByOperator;
    runner.adopt(run, store.files(definition.name));
    if (!changed && !byOperator) return;
    const reason = byOperator ? "stopped by an operator" : "its definition has changed";
    void runner.stop({ reason, byOperator });
    // Wanted again at once, it starts when what it was is gone.
    if (changed && !byOperator) runner.start();
  }

  async #endLeft(name: string, run: SavedRun): Promise<void> {
    const { log } = this.#options;
    log("info", `ending ${name}, pid ${run.pid}, which is no longer defined`, { daemon: name });
    const left = await endLeftRun(run, this.containment(name, run.token));
    if (left.length > 0)
      log("error", `${name} could not be killed: pid ${left.join(", ")}`, { daemon: name });
  }
}

/** What of a daemon changes by events only. */
function essence(runner: DaemonRunner): readonly unknown[] {
  const run = runner.saved(0);
  const { deathAgesMs, lastExit, ...counts } = runner.record.memory(0);
  return [run?.pid, run?.startTicks, run?.ready, counts, deathAgesMs.length, lastExit?.text];
}
