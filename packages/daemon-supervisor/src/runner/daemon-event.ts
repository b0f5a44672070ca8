import { checkEventData, type EventOccurrence, errorText } from "@ringrift/protocol";
import type { DaemonManagerOptions, LogLevel } from "../manager-options.ts";
import type { DaemonEventName } from "./runner-host.ts";

const eventLevels: Readonly<Record<DaemonEventName, LogLevel>> = {
  DAEMON_STARTED: "info",
  DAEMON_STOPPED: "info",
  DAEMON_FAILED: "warn",
  DAEMON_DEGRADED: "error",
  COORDINATOR_HEALTHY: "info",
  COORDINATOR_UNHEALTHY: "warn",
};

/** Tells of an event, to the log and, without the last words, to whoever listens. A listener that throws must not stop the supervision. */
export function tellOf(
  { nodeId, onEvent, log }: Pick<DaemonManagerOptions, "nodeId" | "onEvent" | "log">,
  name: DaemonEventName,
  daemon: string,
  reason: string,
  lastWords: string,
): void {
  const occurrence: EventOccurrence = { name, data: { nodeId, daemon, reason } };
  try {
    const output = lastWords === "" ? "" : `; last output: ${lastWords}`;
    log(eventLevels[name], `${name} ${daemon}: ${reason}${output}`, { daemon });
    checkEventData(occurrence);
    onEvent(occurrence);
  } catch (error) {
    log("error", `A listener of ${name} failed: ${errorText(error)}`, { daemon });
  }
}
