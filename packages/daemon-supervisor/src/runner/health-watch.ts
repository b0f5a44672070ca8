import type { Run } from "../core/run.ts";
import type { DaemonDefinition, Probe } from "../definition/definition.ts";
import { Alarm, stallMs } from "./alarm.ts";
import { type ProbeOutcome, probeHealth } from "./health-probe.ts";
import type { RunnerHost } from "./runner-host.ts";

/** What asking needs of the manager. */
export type WatchHost = Pick<RunnerHost, "env" | "checkContainment">;

/** Asks one daemon how it is, one question at a time; what the answers mean is the record's to say. */
export class HealthWatch {
  readonly #definition: DaemonDefinition;
  readonly #host: WatchHost;
  readonly #onOutcome: (outcome: ProbeOutcome) => void;
  readonly #alarm: Alarm;
  #question: Probe | null = null;
  #asking: { readonly abort: AbortController; readonly done: Promise<ProbeOutcome> } | null = null;
  #stuck: Run | null = null;
  /** The last answer was not counted because our own loop stood still. */
  #excused = false;

  constructor(definition: DaemonDefinition, host: WatchHost, onOutcome: (outcome: ProbeOutcome) => void) {
    this.#definition = definition;
    this.#host = host;
    this.#onOutcome = onOutcome;
    this.#alarm = new Alarm(() => void this.#ask());
  }

  /** Sets the next question; while one is being asked or awaits its time, nothing changes. */
  ask(next: { readonly probe: Probe; readonly delayMs: number } | null): void {
    if (next === null || this.#asking !== null || this.#alarm.pending) return;
    this.#question = next.probe;
    this.#alarm.set(next.delayMs);
  }

  /** No more questions; the one being asked is given up. Resolves when nothing of it runs. */
  async end(): Promise<void> {
    this.#alarm.cancel();
    this.#asking?.abort.abort();
    await this.#asking?.done;
  }

  async #ask(): Promise<void> {
    const probe = this.#question;
    if (probe === null) return;
    // One that hangs in a driver would otherwise be joined by another at every interval.
    const left = this.#stuck?.remaining() ?? [];
    if (left.length > 0) {
      this.#onOutcome({
        ok: false,
        reason: `an earlier check still runs: pid ${left.slice(0, 10).join(", ")}`,
      });
      return;
    }
    const daemon = this.#definition;
    const containment = this.#host.checkContainment(daemon.name);
    const abort = new AbortController();
    const done = probeHealth(probe, { daemon, env: this.#host.env, containment }, abort.signal);
    this.#asking = { abort, done };
    const askedAt = performance.now();
    const outcome = await done;
    this.#asking = null;
    this.#stuck = outcome.stuck ?? null;
    if (abort.signal.aborted) return;
    // Killing an exec check takes time of its own.
    const lateMs = performance.now() - askedAt - probe.timeoutMs;
    this.#excused = !outcome.ok && !this.#excused && probe.target.kind !== "exec" && lateMs > stallMs;
    // An answer that came while our own loop stood still was not late: ask again.
    if (this.#excused) this.#alarm.set(0);
    else this.#onOutcome(outcome);
  }
}
