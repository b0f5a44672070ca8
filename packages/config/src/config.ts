import type { ThresholdValues } from "@ringrift/protocol";
import type { SettingValue } from "./parse-value.ts";
import type { ProgramId, Setting } from "./settings.ts";

/** One setting with its value and where that came from, for printing. */
export interface ConfigEntry {
  readonly setting: Setting;
  readonly value: SettingValue;
  /** A variable's name, `--flag`, `file:line:column`, or `default`. */
  readonly source: string;
}

interface CommonConfig {
  readonly clusterId: string;
  readonly nodeId: string;
  /** The servers' mesh addresses, at least one. */
  readonly servers: readonly string[];
  readonly meshKeyFile: string | null;
  readonly apiTokenFile: string | null;
  readonly dataDir: string;
  readonly entries: readonly ConfigEntry[];
  /** What works but should be put right, e.g. a key file that others may read. */
  readonly warnings: readonly string[];
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

interface ServiceConfig extends CommonConfig {
  readonly host: string;
  /** 0 to 65535; 0 means any free port. */
  readonly port: number;
  readonly heartbeatIntervalSeconds: number;
  readonly logLevel: LogLevel;
  readonly thresholds: ThresholdValues;
  /** Null without mutual TLS. */
  readonly meshTls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string } | null;
}

export interface HealthServerConfig extends ServiceConfig {
  readonly program: "health-server";
  readonly elector: "standalone" | "mesh" | "etcd";
  /** Null when not given; at least one with the elector etcd. */
  readonly etcdEndpoints: readonly string[] | null;
  /** How etcd is asked; each null when not given. */
  readonly etcdAccess: {
    readonly username: string | null;
    readonly passwordFile: string | null;
    readonly tls: {
      readonly caFile: string | null;
      readonly certFile: string | null;
      readonly keyFile: string | null;
    };
  };
  /** 0 counts the nodes that are known. */
  readonly expectedNodes: number;
}

/** How a host is looked at. */
interface HostConfig {
  readonly healthCheckTimeoutSeconds: number;
  readonly nvidiaSmi: string;
  /** Null when not set: then no count is expected. */
  readonly expectedGpus: number | null;
  /** A device, a file or `journald`; null is /dev/kmsg where it may be read. */
  readonly kernelLog: string | null;
  /** Parts of command lines, each expected in a running process. */
  readonly processPatterns: readonly string[];
  readonly checksFile: string | null;
  readonly checksDir: string | null;
  readonly metricsDir: string | null;
  readonly daemonsFile: string | null;
}

export interface NodeAgentConfig extends ServiceConfig, HostConfig {
  readonly program: "node-agent";
  readonly healthCheckIntervalSeconds: number;
}

export interface CliConfig extends CommonConfig, HostConfig {
  readonly program: "cli";
  /** Whom to trust and what to show when a server is asked; each null when not given. */
  readonly tlsFiles: {
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
  };
}

export interface ConfigByProgram {
  readonly "health-server": HealthServerConfig;
  readonly "node-agent": NodeAgentConfig;
  readonly cli: CliConfig;
}

export type Config = ConfigByProgram[ProgramId];
