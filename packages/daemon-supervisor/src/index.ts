export {
  type DaemonDefinition,
  type DaemonHealthCheck,
  type HealthTarget,
  readDefinitions,
  type StopSignal,
} from "./definition.ts";
export { loadDaemonsFile, parseDaemonsFile } from "./definition-file.ts";
export type { LogLine } from "./log-ring.ts";
export {
  createDaemonManager,
  type DaemonLogs,
  type DaemonManager,
  type DaemonManagerOptions,
  type LogLevel,
} from "./manager.ts";
export type { RestartLimits } from "./restart-policy.ts";
