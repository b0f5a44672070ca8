export type {
  CliConfig,
  Config,
  ConfigByProgram,
  ConfigEntry,
  HealthServerConfig,
  LogLevel,
  NodeAgentConfig,
} from "./config.ts";
export { ConfigError, type ConfigProblem } from "./config-error.ts";
export { type ConfigInput, loadConfig } from "./load-config.ts";
export type { Machine } from "./machine.ts";
export { isLoopback } from "./parse-value.ts";
export { printConfig, printConfigJson } from "./print-config.ts";
export { acceptedText, type ProgramId, type Setting, settings, settingsOf } from "./settings.ts";
