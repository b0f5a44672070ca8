import { errorText, nearestName } from "@ringrift/protocol";
import type { ConfigEntry } from "./config.ts";
import type { ConfigProblem } from "./config-error.ts";
import { readConfigText } from "./config-file.ts";
import type { Machine } from "./machine.ts";
import { parseValue, type SettingValue } from "./parse-value.ts";
import {
  configFileEnv,
  type ProgramId,
  type Setting,
  settings,
  settingsOf,
  unsupportedEnv,
} from "./settings.ts";

type Values = Readonly<Record<string, string | undefined>>;

interface Given {
  readonly text: string;
  readonly source: string;
}

export interface Gathered {
  /** One per setting of the program; those with a problem carry null. */
  readonly entries: readonly ConfigEntry[];
  readonly problems: readonly ConfigProblem[];
}

/** Collects every value from flags, environment, file and defaults, and refuses what it does not know. */
export function gatherValues(program: ProgramId, flags: Values, env: Values, machine: Machine): Gathered {
  const known = settingsOf(program);
  const problems: ConfigProblem[] = [...unknownFlags(known, flags), ...unknownVariables(env)];
  const file = readFile(flags, env, machine);
  problems.push(...file.problems);

  const entries = known.map((setting): ConfigEntry => {
    const given: Given[] = [];
    const flag = flags[setting.flag];
    const variable = env[setting.env];
    const line = file.given.get(setting.key);
    if (flag !== undefined) given.push({ text: flag, source: `--${setting.flag}` });
    if (variable !== undefined) given.push({ text: variable, source: setting.env });
    if (line !== undefined) given.push(line);
    // A value that another one hides is checked too: it is bad for whoever removes the other.
    const parsed = given.map(({ text, source }) => {
      const result = parseValue(setting, text);
      if (!result.ok)
        problems.push({ key: setting.key, source, value: shown(setting, text), problem: result.problem });
      return { value: result.ok ? result.value : null, source };
    });
    return {
      setting,
      ...(parsed[0] ?? { value: defaultValue(setting, program, env, machine), source: "default" }),
    };
  });
  const withServers =
    program === "health-server" ? entries.map((entry) => ownServer(entry, entries)) : entries;
  const withElector = withServers.map((entry) =>
    entry.value === null ? { ...entry, value: derived(entry, withServers) } : entry,
  );
  const nodeId = withElector.find((entry) => entry.setting.key === "nodeId" && entry.source === "default");
  if (nodeId !== undefined && !parseValue(nodeId.setting, String(nodeId.value)).ok) {
    const problem = "this host's name cannot be a node's name; set one of your own";
    problems.push({ key: "nodeId", source: "default", value: String(nodeId.value), problem });
  }
  return { entries: withElector, problems };
}

/** The value as a message may show it: secrets and passwords within URLs are masked. */
function shown(setting: Setting, text: string): string {
  if (setting.secret) return "****";
  const cut = text.length > 200 ? `${text.slice(0, 199)}…` : text;
  return cut.replace(/\/\/[^/@,]*@/g, "//****@");
}

/** A server that was told of no servers is the only one, at the address it listens on. */
function ownServer(entry: ConfigEntry, entries: readonly ConfigEntry[]): ConfigEntry {
  if (entry.setting.key !== "servers" || entry.source !== "default") return entry;
  const value = (key: string): string => String(entries.find((other) => other.setting.key === key)?.value);
  const host = value("healthServerHost");
  return {
    ...entry,
    value: [
      `${value("meshTlsCertFile") === "null" ? "ws" : "wss"}://${host.includes(":") ? `[${host}]` : host}:${value("healthServerPort")}/mesh`,
    ],
  };
}

function derived(entry: ConfigEntry, entries: readonly ConfigEntry[]): SettingValue {
  if (entry.setting.key !== "elector" || entry.source !== "default") return null;
  const servers = entries.find((other) => other.setting.key === "servers")?.value;
  return Array.isArray(servers) && servers.length > 1 ? "mesh" : "standalone";
}

function defaultValue(setting: Setting, program: ProgramId, env: Values, machine: Machine): SettingValue {
  // A server and an agent on one host are two nodes, and each needs a name of its own.
  if (setting.key === "nodeId")
    return program === "health-server" ? `${machine.hostName}-server` : machine.hostName;
  if (setting.key === "dataDir") {
    if (machine.isRoot) return "/var/lib/ringrift";
    const state = env.XDG_STATE_HOME;
    // The XDG specification has relative paths ignored.
    return state?.startsWith("/") ? `${state}/ringrift` : `${machine.homeDirectory}/.local/state/ringrift`;
  }
  if (setting.default === null) return null;
  const parsed = parseValue(setting, setting.default);
  return parsed.ok ? parsed.value : null;
}

function readFile(
  flags: Values,
  env: Values,
  machine: Machine,
): { readonly given: ReadonlyMap<string, Given>; readonly problems: readonly ConfigProblem[] } {
  const path = flags.config ?? env[configFileEnv];
  if (path === undefined) return { given: new Map(), problems: [] };
  const source = flags.config === undefined ? configFileEnv : "--config";
  let text: string;
  try {
    text = machine.readFile(path);
  } catch (error) {
    const problem = `cannot be read (${errorText(error)}); expected the path of a readable YAML file`;
    return { given: new Map(), problems: [{ key: "config", source, value: path, problem }] };
  }
  const reading = readConfigText(path, text);
  const keys = settings.map((setting) => setting.key);
  const unknown = reading.entries
    .filter((entry) => !keys.includes(entry.key))
    .map((entry) => ({
      key: entry.key,
      source: entry.source,
      value: null,
      problem: unknownText(entry.key, keys, ""),
    }));
  const given = reading.entries.map((entry): [string, Given] => [entry.key, entry]);
  return { given: new Map(given), problems: [...reading.problems, ...unknown] };
}

function unknownFlags(known: readonly Setting[], flags: Values): ConfigProblem[] {
  const names = [...known.map((setting) => setting.flag), "config"];
  return Object.keys(flags)
    .filter((name) => flags[name] !== undefined && !names.includes(name))
    .map((name) => ({
      key: `--${name}`,
      source: "flags",
      value: null,
      problem: unknownText(name, names, "--"),
    }));
}

function unknownVariables(env: Values): ConfigProblem[] {
  const names = [...settings.map((setting) => setting.env), configFileEnv];
  return Object.keys(env)
    .filter((name) => name.startsWith("RINGRIFT_") && env[name] !== undefined && !names.includes(name))
    .sort()
    .map((name) => ({
      key: name,
      source: "environment",
      value: null,
      problem: unsupportedEnv.includes(name)
        ? "is not supported by this version; unset it"
        : unknownText(name, names, ""),
    }));
}

function unknownText(name: string, known: readonly string[], prefix: string): string {
  const near = nearestName(name, known);
  const hint = near === null ? "`--help` lists the known ones" : `did you mean ${prefix}${near}?`;
  return `is not known; ${hint}`;
}
