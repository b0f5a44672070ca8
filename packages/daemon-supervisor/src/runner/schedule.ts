import { errorText } from "@ringrift/protocol";
import { Cron } from "croner";

export interface JobSchedule {
  readonly cron: string;
  /** IANA name, such as Europe/Berlin; the host's own when null. */
  readonly timeZone: string | null;
}

function cronOf({ cron, timeZone }: JobSchedule): Cron {
  return new Cron(cron, { paused: true, ...(timeZone === null ? {} : { timezone: timeZone }) });
}

/** The first run strictly after `fromMs`, both in milliseconds since 1970; null when there is none. */
export function nextRunAt(schedule: JobSchedule, fromMs: number): number | null {
  return cronOf(schedule).nextRun(new Date(fromMs))?.getTime() ?? null;
}

/** Why a schedule cannot be used, or null when it can. */
export function scheduleProblem(schedule: JobSchedule, nowMs: number): string | null {
  try {
    return nextRunAt(schedule, nowMs) === null ? `"${schedule.cron}" never comes` : null;
  } catch (error) {
    return `"${schedule.cron}" cannot be used: five or six cron fields, such as "0 3 * * *", or @hourly, @daily and the like are accepted, in a time zone such as Europe/Berlin (${errorText(error)})`;
  }
}

const mostSkipped = 1000;

/** How many times of a schedule fell into a run that went on over them; counted up to 1,000. */
export function skippedRuns(schedule: JobSchedule, fromMs: number, toMs: number): number {
  let skipped = 0;
  let at = nextRunAt(schedule, fromMs);
  while (at !== null && at <= toMs && skipped < mostSkipped) {
    skipped += 1;
    at = nextRunAt(schedule, at);
  }
  return skipped;
}
