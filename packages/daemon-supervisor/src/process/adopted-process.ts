import type { EarlierRun, Remains, Run, RunEnding, RunListener } from "../core/run.ts";
import type { DaemonLog } from "../log/daemon-log.ts";
import { RunOutput } from "../log/run-output.ts";
import type { RunReaders } from "../state/run-files.ts";
import { Containment, type ContainmentOptions } from "./containment.ts";
import { isAlive } from "./process-stat.ts";

export interface AdoptionSurroundings {
  readonly log: DaemonLog;
  readonly containment: ContainmentOptions;
  readonly readers: RunReaders;
}

/** The end of what is not our child is seen by looking. */
const pollMs = 250;

/** A run that an earlier supervisor started. Its end is noticed, but nobody can tell its exit code. */
export class AdoptedProcess implements Run {
  readonly pid: number;
  readonly identity: EarlierRun;
  readonly #containment: Containment;
  readonly #output: RunOutput;
  readonly #poll: NodeJS.Timeout;
  #ending: RunEnding | null = null;

  constructor(run: EarlierRun, { log, containment, readers }: AdoptionSurroundings, listener: RunListener) {
    this.pid = run.pid;
    this.identity = run;
    this.#containment = Containment.adopted(run, containment);
    this.#output = new RunOutput(readers, log, (line) => listener.notified(line));
    const look = (): void => {
      if (isAlive(run)) return;
      clearInterval(this.#poll);
      this.#containment.changed();
      void this.#output.drained().then(() => listener.exited({ kind: "unknown" }));
    };
    this.#poll = setInterval(look, pollMs);
    queueMicrotask(() => {
      listener.spawned(run.pid);
      look();
    });
  }

  get pids(): readonly number[] {
    return this.#containment.pids;
  }

  get ending(): RunEnding | null {
    return this.#ending;
  }

  async end(signal: NodeJS.Signals, graceMs: number): Promise<Remains> {
    clearInterval(this.#poll);
    this.#ending = await this.#containment.end(signal, graceMs);
    if (this.#ending.left.length === 0) this.#output.close();
    return this.#ending.left;
  }

  remaining(): Remains {
    return this.#containment.remaining();
  }

  killNow(): void {
    clearInterval(this.#poll);
    this.#containment.killNow();
  }
}
