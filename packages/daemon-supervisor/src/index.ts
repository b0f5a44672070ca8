export { agedMemory, type DaemonMemory, daemonMemorySchema } from "./daemon-memory.ts";
export type { DaemonDefinition, DefinitionProblem } from "./definition.ts";
export { loadDaemonsFile, parseDaemonsFile } from "./definition-file.ts";
export { defineService, readDefinitions } from "./definition-reader.ts";
export type { FleetLimits } from "./fleet-gate.ts";
export type { InProcessService } from "./in-process-service.ts";
export type { LogLine } from "./log-ring.ts";
export { createDaemonManager } from "./manager.ts";
export type { DaemonLogs, DaemonManager, DaemonManagerOptions, LogLevel } from "./manager-options.ts";
