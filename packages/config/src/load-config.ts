import { errorText, HealthThresholds, type ThresholdName, type ThresholdValues } from "@ringrift/protocol";
import { checkTogether } from "./check-together.ts";
import type {
  CliConfig,
  ConfigByProgram,
  ConfigEntry,
  HealthServerConfig,
  LogLevel,
  NodeAgentConfig,
} from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { gatherValues } from "./gather-values.ts";
import { type Machine, thisMachine } from "./machine.ts";
import type { ProgramId } from "./settings.ts";

export interface ConfigInput {
  /** Options as given, by long name without dashes (`{ port: "0", config: "ringrift.yaml" }`). */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the machine this runs on. */
  readonly machine?: Machine;
}

/**
 * The configuration of one program: flags before environment before YAML file before defaults.
 *
 * @throws ConfigError naming every unknown name and every bad value at once.
 *
 * @example
 * const config = loadConfig("health-server", { flags: { port: "0" }, env: process.env });
 * console.log(config.port, config.servers);
 */
export function loadConfig<P extends ProgramId>(program: P, input: ConfigInput): ConfigByProgram[P] {
  const machine = input.machine ?? thisMachine();
  const gathered = gatherValues(program, input.flags ?? {}, input.env, machine);
  const problems = [...gathered.problems];
  const warnings: string[] = [];
  for (const entry of gathered.entries) {
    if (entry.setting.kind !== "file" || typeof entry.value !== "string") continue;
    const given = {
      key: entry.setting.key,
      source: entry.source,
      value: entry.setting.secret ? "****" : entry.value,
    };
    try {
      const mode = machine.fileMode(entry.value);
      if (entry.setting.secret && (mode & 0o077) !== 0) {
        const octal = mode.toString(8).padStart(3, "0");
        warnings.push(
          `${entry.setting.key} (from ${entry.source}): others may read or change ${entry.value} (mode ${octal}); run chmod 600 on it.`,
        );
      }
    } catch (error) {
      // The system's message repeats the path, which may be a secret given by mistake.
      const why = entry.setting.secret ? "cannot be read" : `cannot be read (${errorText(error)})`;
      problems.push({ ...given, problem: `${why}; expected the path of a readable file` });
    }
  }
  const bad = new Set(problems.map((problem) => problem.key));
  problems.push(
    ...checkTogether(
      program,
      gathered.entries.filter((entry) => !bad.has(entry.setting.key)),
    ),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return build(program, gathered.entries, warnings) as ConfigByProgram[P];
}

function build(
  program: ProgramId,
  entries: readonly ConfigEntry[],
  warnings: readonly string[],
): ConfigByProgram[ProgramId] {
  const values = new Map(entries.map((entry) => [entry.setting.key, entry.value]));
  const text = (key: string): string => String(values.get(key));
  const number = (key: string): number => Number(values.get(key));
  const maybeText = (key: string): string | null => (values.get(key) == null ? null : text(key));
  const maybeNumber = (key: string): number | null => (values.get(key) == null ? null : number(key));
  const maybeList = (key: string): readonly string[] | null => {
    const value = values.get(key);
    return Array.isArray(value) ? (value as readonly string[]) : null;
  };
  const common = {
    clusterId: text("clusterId"),
    nodeId: text("nodeId"),
    servers: maybeList("servers") ?? [],
    meshKeyFile: maybeText("meshKeyFile"),
    apiTokenFile: maybeText("apiTokenFile"),
    dataDir: text("dataDir"),
    entries,
    warnings,
  };
  const host = {
    healthCheckTimeoutSeconds: number("healthCheckTimeout"),
    nvidiaSmi: maybeText("nvidiaSmi") ?? "nvidia-smi",
    expectedGpus: maybeNumber("expectedGpus"),
    kernelLog: maybeText("kmsg"),
    daemonsFile: maybeText("daemonsFile"),
    processPatterns: maybeList("processPatterns") ?? [],
    checksFile: maybeText("checksFile"),
    checksDir: maybeText("checksDir"),
    metricsDir: maybeText("metricsDir"),
  };
  const [certFile, keyFile, caFile] = [
    maybeText("meshTlsCertFile"),
    maybeText("meshTlsKeyFile"),
    maybeText("meshTlsCaFile"),
  ];
  const service = {
    ...common,
    meshTls: certFile === null || keyFile === null || caFile === null ? null : { certFile, keyFile, caFile },
    heartbeatIntervalSeconds: number("heartbeatInterval"),
    logLevel: text("logLevel") as LogLevel,
    thresholds: thresholdValues(entries),
  };
  switch (program) {
    case "health-server":
      return {
        ...service,
        program,
        host: text("healthServerHost"),
        port: number("healthServerPort"),
        elector: text("elector") as HealthServerConfig["elector"],
        etcdEndpoints: maybeList("etcdEndpoints"),
        etcdAccess: {
          username: maybeText("etcdUsername"),
          passwordFile: maybeText("etcdPasswordFile"),
          tls: {
            caFile: maybeText("etcdCaFile"),
            certFile: maybeText("etcdCertFile"),
            keyFile: maybeText("etcdKeyFile"),
          },
        },
        expectedNodes: number("expectedNodes"),
      } satisfies HealthServerConfig;
    case "node-agent":
      return {
        ...service,
        ...host,
        program,
        healthCheckIntervalSeconds: number("healthCheckInterval"),
        host: text("agentHost"),
        port: number("agentPort"),
      } satisfies NodeAgentConfig;
    case "cli":
      return {
        ...common,
        ...host,
        program,
        tlsFiles: { caFile, certFile, keyFile },
      } satisfies CliConfig;
  }
}

function thresholdValues(entries: readonly ConfigEntry[]): ThresholdValues {
  const values: Record<ThresholdName, number> = { ...HealthThresholds };
  for (const { setting, value } of entries) {
    if (setting.threshold !== undefined && typeof value === "number") values[setting.threshold] = value;
  }
  return values;
}
