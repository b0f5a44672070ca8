import { uptime } from "node:os";
import { createSteadyClock, steadyNow } from "./core/steady-clock.ts";

/**
 * A clock for leases, milliseconds: monotonic, and on Linux it counts the time that the machine slept. Elsewhere the
 * uptime is too coarse or follows the wall clock, and sleep goes unseen.
 */
export function steadyTime(): () => number {
  const monotonic = (): number => performance.now();
  if (process.platform !== "linux") return monotonic;
  const uptimeMs = (): number => uptime() * 1000;
  const clock = createSteadyClock(monotonic(), uptimeMs());
  return () => steadyNow(clock, monotonic(), uptimeMs());
}
