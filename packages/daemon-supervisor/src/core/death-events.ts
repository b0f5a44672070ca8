import type { DaemonEventName } from "../runner/runner-host.ts";
import type { AfterDeath } from "./daemon-record.ts";

/** What to tell of a run's end. While a daemon crash-loops every try fails: only entering the loop is news. */
export function deathEvents(
  after: AfterDeath,
  wasLooping: boolean,
): readonly (readonly [DaemonEventName, string])[] {
  if (after.kind === "ended" && after.success) return [["DAEMON_STOPPED", after.reason]];
  if (wasLooping) return [];
  const failed = ["DAEMON_FAILED", after.reason] as const;
  return after.kind === "degraded" ? [failed, ["DAEMON_DEGRADED", after.reason]] : [failed];
}
