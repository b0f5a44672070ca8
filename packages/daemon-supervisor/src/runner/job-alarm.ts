import { Alarm } from "./alarm.ts";
import { type JobSchedule, nextRunAt, skippedRuns } from "./schedule.ts";

/** The wall clock may be set; it is looked at this often at least. */
const longestNapMs = 60_000;

/** Rings at the next time of a schedule, by the wall clock. */
export class JobAlarm {
  readonly #schedule: JobSchedule;
  readonly #wallMs: () => number;
  readonly #alarm: Alarm;
  #dueAt: number | null = null;

  constructor(schedule: JobSchedule, wallMs: () => number, ring: () => void) {
    this.#schedule = schedule;
    this.#wallMs = wallMs;
    this.#alarm = new Alarm(() => {
      if (this.#dueAt !== null && this.#wallMs() < this.#dueAt) this.#nap(this.#dueAt);
      else ring();
    });
  }

  get pending(): boolean {
    return this.#alarm.pending;
  }

  /** Waits for the next time, and says for people which that is; `busySince` is when the run before it began. */
  arm(busySince: number | null): string {
    const now = this.#wallMs();
    this.#dueAt = nextRunAt(this.#schedule, now);
    if (this.#dueAt === null) return "no time any more";
    this.#nap(this.#dueAt);
    const skipped = busySince === null ? 0 : skippedRuns(this.#schedule, busySince, now);
    const time = new Date(this.#dueAt).toISOString().replace(".000Z", "Z");
    return skipped === 0 ? time : `${time} (${skipped} skipped while it ran)`;
  }

  cancel(): void {
    this.#alarm.cancel();
  }

  #nap(dueAt: number): void {
    this.#alarm.set(Math.max(0, Math.min(dueAt - this.#wallMs(), longestNapMs)));
  }
}
