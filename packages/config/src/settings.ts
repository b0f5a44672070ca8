import { type Threshold, type ThresholdName, thresholds } from "@ringrift/protocol";

export type ProgramId = "health-server" | "node-agent" | "cli";

/**
 * How a value is read: `text` is one line, `name` an identifier, `program` a program to run, `file` a file that must be
 * readable, `directory` a path that need not exist yet, `list` a comma list of texts, `urls` a comma list of ws:// or
 * wss:// addresses, `endpoints` one of http:// or https:// addresses.
 */
type SettingKind =
  | "name"
  | "host"
  | "port"
  | "number"
  | "integer"
  | "choice"
  | "urls"
  | "endpoints"
  | "file"
  | "directory"
  | "list"
  | "log"
  | "program";

/** One setting: the single place where its names, range, default and meaning are written. */
export interface Setting {
  /** Key in the YAML file. */
  readonly key: string;
  readonly env: string;
  /** Long option without its dashes. */
  readonly flag: string;
  readonly kind: SettingKind;
  /** As it would be typed; null when the setting has no value unless given. */
  readonly default: string | null;
  /** Says what the default is when it depends on the machine or on other settings. */
  readonly defaultText?: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Its value is never shown in a message, and its file should be readable by its owner alone. */
  readonly secret?: boolean;
  readonly threshold?: ThresholdName;
  readonly programs: readonly ProgramId[];
  readonly meaning: string;
}

const services: readonly ProgramId[] = ["health-server", "node-agent"];
const everywhere: readonly ProgramId[] = ["health-server", "node-agent", "cli"];

const fixedSettings: readonly Setting[] = [
  setting("CLUSTER_ID", {
    kind: "name",
    default: "ringrift",
    programs: everywhere,
    meaning: "name of the cluster; peers of another one are refused",
  }),
  setting("NODE_ID", {
    kind: "name",
    default: null,
    defaultText: "the host name, for a health-server with -server appended, so that both run on one host",
    programs: everywhere,
    meaning: "name of this node, unique in the cluster",
  }),
  setting("HEALTH_SERVER_HOST", {
    flag: "host",
    kind: "host",
    default: "127.0.0.1",
    programs: ["health-server"],
    meaning:
      "address to listen on for HTTP and mesh; one that is not loopback needs a mesh key or mutual TLS",
  }),
  setting("HEALTH_SERVER_PORT", {
    flag: "port",
    kind: "port",
    default: "8790",
    programs: ["health-server"],
    meaning: "port to listen on for HTTP and mesh; 0 takes any free one",
  }),
  setting("AGENT_HOST", {
    flag: "host",
    kind: "host",
    default: "127.0.0.1",
    programs: ["node-agent"],
    meaning: "address to listen on for the agent's own endpoints",
  }),
  setting("AGENT_PORT", {
    flag: "port",
    kind: "port",
    default: "8791",
    programs: ["node-agent"],
    meaning: "port to listen on for the agent's own endpoints; 0 takes any free one",
  }),
  setting("SERVERS", {
    kind: "urls",
    default: "ws://127.0.0.1:8790/mesh",
    defaultText: "ws://127.0.0.1:8790/mesh; for a health-server its own address",
    programs: everywhere,
    meaning: "comma list of the servers; for a server also the list of voters, itself included",
  }),
  setting("ELECTOR", {
    kind: "choice",
    default: null,
    defaultText: "standalone with one server, else mesh",
    choices: ["standalone", "mesh", "etcd"],
    programs: ["health-server"],
    meaning:
      "how the leader is chosen: one server alone, the servers' own vote, or an existing etcd; the same on every server",
  }),
  setting("ETCD_ENDPOINTS", {
    kind: "endpoints",
    default: null,
    programs: ["health-server"],
    meaning: "comma list of etcd's client addresses, needed with the elector etcd",
  }),
  setting("ETCD_USERNAME", {
    kind: "name",
    default: null,
    programs: ["health-server"],
    meaning: "user of etcd, where it has users; may read and write the keys under /ringrift/CLUSTER_ID/",
  }),
  setting("ETCD_PASSWORD_FILE", {
    kind: "file",
    default: null,
    secret: true,
    programs: ["health-server"],
    meaning: "file with that user's password alone; read again on SIGHUP",
  }),
  setting("ETCD_CA_FILE", {
    kind: "file",
    default: null,
    programs: ["health-server"],
    meaning:
      "authority that signs etcd's certificates, PEM; without it those of the system; read again on SIGHUP",
  }),
  setting("ETCD_CERT_FILE", {
    kind: "file",
    default: null,
    programs: ["health-server"],
    meaning: "certificate to show to an etcd that asks for one, PEM; read again on SIGHUP",
  }),
  setting("ETCD_KEY_FILE", {
    kind: "file",
    default: null,
    secret: true,
    programs: ["health-server"],
    meaning: "key of that certificate, PEM",
  }),
  setting("MESH_KEY_FILE", {
    kind: "file",
    default: null,
    secret: true,
    programs: everywhere,
    meaning:
      "keyring, one kid:base64key[:notAfter] a line; signs with the first, accepts all; read again on SIGHUP",
  }),
  setting("MESH_TLS_CERT_FILE", {
    kind: "file",
    default: null,
    programs: everywhere,
    meaning:
      "certificate of this node, PEM, with the name URI:ringrift://CLUSTER/ROLE/NODE; turns mutual TLS on for the mesh and HTTPS on for a server; read again on SIGHUP; the cli shows it to a server that asks for one",
  }),
  setting("MESH_TLS_KEY_FILE", {
    kind: "file",
    default: null,
    secret: true,
    programs: everywhere,
    meaning: "key of that certificate, PEM",
  }),
  setting("MESH_TLS_CA_FILE", {
    kind: "file",
    default: null,
    programs: everywhere,
    meaning:
      "authority that signs the certificates of every node, PEM; no other is trusted; alone it lets the cli ask https:// servers",
  }),
  setting("API_TOKEN_FILE", {
    kind: "file",
    default: null,
    secret: true,
    programs: everywhere,
    meaning: "file with the bearer token that changing calls need; without it they are refused off loopback",
  }),
  setting("DATA_DIR", {
    kind: "directory",
    default: null,
    defaultText: "/var/lib/ringrift for root, else ringrift in the state directory of the user",
    programs: everywhere,
    meaning: "directory for what must outlive a restart",
  }),
  setting("HEARTBEAT_INTERVAL", {
    kind: "number",
    default: "1",
    min: 0.1,
    max: 60,
    programs: services,
    meaning: "seconds between heartbeats of an agent",
  }),
  setting("HEALTH_CHECK_INTERVAL", {
    kind: "number",
    default: "60",
    min: 0.1,
    max: 86_400,
    programs: ["node-agent"],
    meaning: "longest time between two runs of a check, in seconds; most checks run more often",
  }),
  setting("HEALTH_CHECK_TIMEOUT", {
    kind: "number",
    default: "5",
    min: 0.05,
    max: 3600,
    programs: everywhere,
    meaning:
      "time-out of a check, in seconds; it is then a check error; slow ones (nvidia-smi, disks) get up to four times as long",
  }),
  setting("NVIDIA_SMI", {
    kind: "program",
    default: "nvidia-smi",
    programs: ["node-agent", "cli"],
    meaning: "the nvidia-smi program to run: a name on the PATH or a path",
  }),
  setting("EXPECTED_GPUS", {
    kind: "integer",
    default: null,
    min: 0,
    max: 64,
    programs: ["node-agent", "cli"],
    meaning: "GPUs this host should have; fewer is unhealthy",
  }),
  setting("KMSG", {
    kind: "log",
    default: null,
    defaultText: "/dev/kmsg, where it may be read",
    programs: ["node-agent", "cli"],
    meaning: "kernel log to read GPU errors (Xid) and faults of the host from",
  }),
  setting("PROCESS_PATTERNS", {
    kind: "list",
    default: null,
    programs: ["node-agent", "cli"],
    meaning: "parts of command lines, each expected in at least one running process, such as train.py",
  }),
  setting("CHECKS_FILE", {
    kind: "file",
    default: null,
    programs: ["node-agent", "cli"],
    meaning: "YAML file of your own checks, programs after the monitoring plugins' convention",
  }),
  setting("CHECKS_DIR", {
    kind: "directory",
    default: null,
    programs: ["node-agent", "cli"],
    meaning: "folder of programs, each a check of its own; they may not be writable by others",
  }),
  setting("METRICS_DIR", {
    kind: "directory",
    default: null,
    programs: ["node-agent", "cli"],
    meaning: "folder of *.prom files whose series the agent offers with its own",
  }),
  setting("DAEMONS_FILE", {
    kind: "file",
    default: null,
    programs: ["node-agent", "cli"],
    meaning: "YAML file of the daemons to supervise",
  }),
  setting("EXPECTED_NODES", {
    kind: "integer",
    default: "0",
    min: 0,
    max: 100_000,
    programs: ["health-server"],
    meaning: "nodes the cluster should have; 0 counts those known",
  }),
  setting("LOG_LEVEL", {
    kind: "choice",
    default: "info",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    programs: services,
    meaning: "least severe level that is logged",
  }),
];

const thresholdSettings: readonly Setting[] = Object.entries(thresholds).map(([name, threshold]) =>
  thresholdSetting(name as ThresholdName, threshold),
);

/** Every setting of every program, in the order in which they are printed. */
export const settings: readonly Setting[] = [...fixedSettings, ...thresholdSettings];

/** Names that other versions know; giving one to this version is an error rather than a silent no. */
export const unsupportedEnv: readonly string[] = ["RINGRIFT_RULES_FILE"];

/** The variable that names the YAML file, as `--config` does. */
export const configFileEnv = "RINGRIFT_CONFIG";

/** The settings that one program takes. */
export function settingsOf(program: ProgramId): readonly Setting[] {
  return settings.filter((entry) => entry.programs.includes(program));
}

/** The YAML key of a variable: `RINGRIFT_NODE_ID` is `nodeId`. */
function keyOfEnv(env: string): string {
  return env
    .replace(/^RINGRIFT_/, "")
    .toLowerCase()
    .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** What a setting accepts, for help and for messages. */
export function acceptedText(entry: Setting): string {
  switch (entry.kind) {
    case "name":
      return "1 to 100 letters, digits, dots, dashes and underscores, starting with a letter or digit";
    case "host":
      return "a host name or IP address without port";
    case "port":
      return "an integer from 0 to 65535";
    case "number":
      return `a number from ${entry.min} to ${entry.max}`;
    case "integer":
      return `an integer from ${entry.min} to ${entry.max}`;
    case "choice":
      return `one of ${(entry.choices ?? []).join(", ")}`;
    case "urls":
      return "a comma list of ws:// or wss:// URLs without user, query and fragment, each optionally as name=URL";
    case "endpoints":
      return "a comma list of http:// or https:// URLs without user, path, query and fragment";
    case "file":
      return "the path of a readable file";
    case "directory":
      return "the path of a directory";
    case "list":
      return "a comma list of 1 to 99 texts";
    case "log":
      return "the path of a device like /dev/kmsg or of a plain file, or journald";
    case "program":
      return "a program's name or path";
  }
}

function setting(
  variable: string,
  rest: Omit<Setting, "key" | "env" | "flag"> & { readonly flag?: string },
): Setting {
  const env = `RINGRIFT_${variable}`;
  return { key: keyOfEnv(env), env, flag: variable.toLowerCase().replaceAll("_", "-"), ...rest };
}

function thresholdSetting(name: ThresholdName, threshold: Threshold): Setting {
  return setting(threshold.env.replace(/^RINGRIFT_/, ""), {
    kind: threshold.unit === "count" ? "integer" : "number",
    default: String(threshold.default),
    min: threshold.min,
    max: threshold.max,
    threshold: name,
    programs: services,
    meaning: `${threshold.meaning} (${threshold.unit})`,
  });
}
