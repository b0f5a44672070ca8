import type { DaemonRecord } from "../core/daemon-record.ts";
import type { FleetGate } from "../core/fleet-gate.ts";
import { Alarm } from "./alarm.ts";
import { JobAlarm } from "./job-alarm.ts";

/** What a daemon's next launch waits for beside its dependencies: a delay, a time of its schedule, its turn among all. */
export class LaunchWait {
  readonly #record: DaemonRecord;
  readonly #fleet: FleetGate;
  readonly #wallMs: () => number;
  readonly #retry: Alarm;
  readonly #job: JobAlarm | null;
  #isRestart = false;
  /** Its turn among the restarts of all has been given out. */
  #hasPlace = false;
  #launchedAtWallMs: number | null = null;

  constructor(
    record: DaemonRecord,
    clocks: { readonly fleet: FleetGate; readonly wallMs: () => number },
    onOver: () => void,
  ) {
    this.#record = record;
    this.#fleet = clocks.fleet;
    this.#wallMs = clocks.wallMs;
    this.#retry = new Alarm(onOver);
    const { schedule } = record.definition;
    const onTime = (): void => {
      record.comesBack();
      onOver();
    };
    this.#job = schedule === null ? null : new JobAlarm(schedule, this.#wallMs, onTime);
  }

  get pending(): boolean {
    return this.#retry.pending || this.#job?.pending === true;
  }

  /** The next launch is a restart, counted and bounded as one. */
  get isRestart(): boolean {
    return this.#isRestart;
  }

  /** Nothing is to be waited for any more. */
  clear(): void {
    this.#retry.cancel();
    this.#job?.cancel();
    this.#hasPlace = false;
    this.#isRestart = false;
  }

  restartIn(delayMs: number): void {
    this.#isRestart = true;
    this.#retry.set(delayMs);
  }

  /** A job waits for its next time; of other daemons nothing follows. */
  awaitSchedule(): void {
    if (this.#job === null) return;
    this.#isRestart = false;
    this.#record.waitingUntil(this.#job.arm(this.#launchedAtWallMs));
    this.#launchedAtWallMs = null;
  }

  /** False when it has to wait for its turn, which is then set: restarts of all daemons together are bounded. */
  mayLaunch(now: number): boolean {
    if (this.#isRestart && !this.#hasPlace) {
      const pausedMs = this.#fleet.pausedMs(now, this.#record.definition.critical);
      if (pausedMs > 0) {
        this.#record.restartPaused(pausedMs);
        this.#retry.set(pausedMs);
        return false;
      }
      const placeMs = this.#fleet.placeMs(now);
      if (placeMs > 0) {
        this.#hasPlace = true;
        this.#retry.set(placeMs);
        return false;
      }
    }
    this.#hasPlace = false;
    this.#launchedAtWallMs = this.#wallMs();
    return true;
  }
}
