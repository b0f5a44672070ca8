/** One line of the kernel log. */
export interface KernelLine {
  /** Where it stands in its log; with the boot it names the line for ever. */
  readonly position: string;
  readonly bootId: string;
  /** When the kernel wrote it, seconds since 1970; null where the line does not say. */
  readonly at: number | null;
  readonly message: string;
}

/** Up to where a log was read. */
export interface KernelLogCursor {
  readonly source: "kmsg" | "journald" | "file";
  readonly bootId: string;
  readonly position: string;
}

/** The same moment on both clocks: seconds since 1970, and seconds of the kernel's monotonic clock. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** Time of a stamp in seconds since boot, never later than now. */
export function wallTime(sinceBoot: number, now: Moment): number {
  return Math.min(now.wall, now.wall - (now.monotonic - sinceBoot));
}
