import { Alarm } from "./alarm.ts";
import type { DaemonDefinition } from "./definition.ts";
import { type ProbeOutcome, probeHealth } from "./health-probe.ts";
import { groupMembers } from "./process-group.ts";

/** Asks one daemon how it is, one question at a time; what the answers mean is the record's to say. */
export class HealthWatch {
  readonly #definition: DaemonDefinition;
  readonly #baseEnv: NodeJS.ProcessEnv;
  readonly #alarm: Alarm;
  #asking: { readonly abort: AbortController; readonly done: Promise<ProbeOutcome> } | null = null;
  #stuckGroup: number | null = null;

  constructor(
    definition: DaemonDefinition,
    baseEnv: NodeJS.ProcessEnv,
    onOutcome: (outcome: ProbeOutcome) => void,
  ) {
    this.#definition = definition;
    this.#baseEnv = baseEnv;
    this.#alarm = new Alarm(() => void this.#ask(onOutcome));
  }

  /** The next question; there is none without a health check (null). */
  askIn(delayMs: number | null): void {
    if (delayMs !== null) this.#alarm.set(delayMs);
  }

  /** No more questions; the one being asked is given up. Resolves when nothing of it runs. */
  async end(): Promise<void> {
    this.#alarm.cancel();
    this.#asking?.abort.abort();
    await this.#asking?.done;
  }

  async #ask(onOutcome: (outcome: ProbeOutcome) => void): Promise<void> {
    const { health, cwd, env } = this.#definition;
    if (health === null) return;
    // One that hangs in a driver would otherwise be joined by another at every interval.
    if (this.#stuckGroup !== null && groupMembers(this.#stuckGroup).length > 0) {
      onOutcome({ ok: false, reason: `an earlier check still runs: pid ${this.#stuckGroup}` });
      return;
    }
    const abort = new AbortController();
    const done = probeHealth(health, { cwd, env, baseEnv: this.#baseEnv }, abort.signal);
    this.#asking = { abort, done };
    const outcome = await done;
    this.#asking = null;
    this.#stuckGroup = outcome.stuckGroup ?? null;
    if (!abort.signal.aborted) onOutcome(outcome);
  }
}
