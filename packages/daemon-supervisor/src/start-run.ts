import { childEnvironment } from "./child-environment.ts";
import type { ContainmentOptions } from "./containment.ts";
import type { DaemonDefinition } from "./definition.ts";
import type { LogRing } from "./log-ring.ts";
import { DaemonProcess } from "./process.ts";
import type { Run, RunListener } from "./run.ts";
import { ServiceRun } from "./service-run.ts";

/** Starts one run of a daemon. The listener is told in a later turn, never before this returns. */
export function startRun(
  definition: DaemonDefinition,
  inheritedEnv: NodeJS.ProcessEnv,
  logs: LogRing,
  listener: RunListener,
  containment: ContainmentOptions,
): Run {
  if (definition.service !== null) return new ServiceRun(definition.service, listener);
  const env = childEnvironment(inheritedEnv, definition);
  return new DaemonProcess(definition, env, logs, listener, containment);
}
