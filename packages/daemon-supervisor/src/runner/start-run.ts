import type { Run, RunListener } from "../core/run.ts";
import type { DaemonDefinition } from "../definition/definition.ts";
import { childEnvironment } from "../process/child-environment.ts";
import { DaemonProcess, type ProcessSurroundings } from "../process/process.ts";
import { ServiceRun } from "./service-run.ts";

/** Starts one run of a daemon. The listener is told in a later turn, never before this returns. */
export function startRun(
  definition: DaemonDefinition,
  surroundings: ProcessSurroundings,
  listener: RunListener,
): Run {
  if (definition.service !== null) return new ServiceRun(definition.service, listener);
  const env = childEnvironment(surroundings.env, definition);
  return new DaemonProcess(definition, { ...surroundings, env }, listener);
}
