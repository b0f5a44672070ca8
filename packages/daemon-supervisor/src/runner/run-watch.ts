import type { DaemonRecord } from "../core/daemon-record.ts";
import { ResourceSampler, residentBytes } from "../process/resource-sampler.ts";
import { Alarm, stallMs } from "./alarm.ts";
import { HealthWatch, type WatchHost } from "./health-watch.ts";

/** Keeps the times of a running daemon: its next health check, when it is overdue, when it counts as stable. */
export class RunWatch {
  readonly #record: DaemonRecord;
  readonly #nowMs: () => number;
  readonly #checks: HealthWatch;
  readonly #deadline: Alarm;
  readonly #stable: Alarm;
  readonly #memory: Alarm;
  readonly #pids: () => readonly number[];
  #sampler: ResourceSampler = new ResourceSampler();

  /** `pids` are those of the run as last seen; `onNews` is told of each thing learnt: the reason why the run must end, or null. */
  constructor(
    record: DaemonRecord,
    host: WatchHost & { readonly nowMs: () => number },
    pids: () => readonly number[],
    onNews: (mustEnd: string | null) => void,
  ) {
    this.#record = record;
    this.#nowMs = host.nowMs;
    this.#checks = new HealthWatch(record.definition, host, ({ ok, reason }) =>
      onNews(record.probed(ok, reason, host.nowMs())),
    );
    this.#deadline = new Alarm((lateMs) => {
      // After a standstill of our own, what the daemon said meanwhile must be read before it is judged.
      if (lateMs > stallMs) this.#deadline.set(stallMs);
      else onNews(record.run?.overdue(host.nowMs()) ?? null);
    });
    this.#pids = pids;
    this.#memory = new Alarm(() => {
      const bytes = residentBytes(pids());
      const mustEnd = bytes === null ? null : (record.run?.memory?.looked(bytes, host.nowMs()) ?? null);
      if (mustEnd === null) this.#awaitMemory();
      else onNews(mustEnd);
    });
    this.#stable = new Alarm(() => {
      record.stable();
      onNews(null);
    });
  }

  /** Sets what comes next, by what the record now knows. */
  awaitNext(): void {
    const now = this.#nowMs();
    const stableInMs = this.#record.stableInMs(now);
    if (stableInMs !== null && stableInMs > 0 && !this.#stable.pending) this.#stable.set(stableInMs);
    const deadlineInMs = this.#record.run?.deadlineInMs(now) ?? null;
    if (deadlineInMs === null) this.#deadline.cancel();
    else this.#deadline.set(deadlineInMs);
    this.#checks.ask(this.#record.run?.nextProbe() ?? null);
    this.#awaitMemory();
  }

  /** Looks at what the run uses. */
  sample(): void {
    const use = this.#sampler.sample(this.#pids(), this.#nowMs());
    if (use !== null) this.#record.run?.sampled(use);
  }

  /** The run ends, and with it every question; resolves when no check of it runs any more. */
  async end(): Promise<void> {
    this.#stable.cancel();
    this.#deadline.cancel();
    this.#memory.cancel();
    this.#sampler = new ResourceSampler();
    await this.#checks.end();
  }

  #awaitMemory(): void {
    const { run } = this.#record;
    if (run === null || run.memory === null || !run.spawned || this.#memory.pending) return;
    this.#memory.set(run.memory.nextInMs(this.#pids().length));
  }
}
