import type { ExitRules } from "../core/exit-rules.ts";
import type { RestartLimits } from "../core/restart-policy.ts";
import type { InProcessService } from "../runner/in-process-service.ts";

/** What a probe asks. `service` asks a service inside this process for its `healthCheck`. */
export type ProbeTarget =
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "exec"; readonly argv: readonly string[] }
  | { readonly kind: "service" };

export interface Probe {
  readonly target: ProbeTarget;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** How a daemon becomes ready. It fails closed: not ready `withinMs` after its start is a failed start. */
export type Readiness = { readonly withinMs: number } & (
  | { readonly kind: "probe"; readonly probe: Probe }
  | { readonly kind: "notify" }
  | { readonly kind: "logLine"; readonly pattern: string }
);

/** Asked for as long as the daemon runs. */
export interface Liveness extends Probe {
  /** This many failures in a row restart the daemon. */
  readonly failures: number;
  /** After a failure, this many passes in a row make it healthy again. */
  readonly passes: number;
  /** After a start, failures do not count for this long. */
  readonly graceMs: number;
}

/** Asked until it passes once, before any other probe; `failures` in a row are a failed start. */
export interface StartUp extends Probe {
  readonly failures: number;
}

export const dependencyConditions = ["started", "ready", "completed"] as const;
export const lossReactions = ["keep", "restart", "stop"] as const;

export interface Dependency {
  readonly name: string;
  /** What must be true of it before this daemon starts. */
  readonly condition: (typeof dependencyConditions)[number];
  /** What becomes of this daemon when the other one dies later. */
  readonly whenLost: (typeof lossReactions)[number];
}

export const groupStrategies = ["one_for_one", "one_for_all", "rest_for_one"] as const;
export type GroupStrategy = (typeof groupStrategies)[number];

/** The account a daemon runs as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Further groups it is a member of; none where nothing has to be changed to become it. */
  readonly groups: readonly number[];
  readonly home: string;
}

export interface LogLimits {
  /** Size at which a log file is rotated. */
  readonly maxBytes: number;
  /** Files kept, the current one included. */
  readonly files: number;
  /** Longer lines are split. */
  readonly lineBytes: number;
  /** Lines kept in memory for the API. */
  readonly ringLines: number;
}

export const stopSignals = [
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGKILL",
] as const;

/** One daemon to keep running, with every default filled in. */
export interface DaemonDefinition {
  readonly name: string;
  /** Program and arguments, never passed through a shell; empty exactly when `service` is set. */
  readonly command: readonly string[];
  /** A service inside this process instead of a program. */
  readonly service: InProcessService | null;
  readonly cwd: string | null;
  /** Added to the environment that daemons inherit; env files are in it already. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: Account | null;
  readonly critical: boolean;
  readonly dependsOn: readonly Dependency[];
  /** Members of a group start in the order of their definitions. */
  readonly group: { readonly name: string; readonly strategy: GroupStrategy } | null;
  readonly exits: ExitRules;
  readonly restart: RestartLimits;
  readonly stop: { readonly signal: (typeof stopSignals)[number]; readonly graceMs: number };
  readonly readiness: Readiness | null;
  readonly liveness: Liveness | null;
  readonly startup: StartUp | null;
  /** Without a sign of life on `notifyFd` for this long, the daemon is restarted. */
  readonly watchdogMs: number | null;
  /** Descriptor on which the daemon gets a pipe to notify through; null when nothing uses one. */
  readonly notifyFd: number | null;
  /** Resident memory of the whole tree; more in `samples` samples in a row restarts the daemon. */
  readonly memory: { readonly maxBytes: number; readonly samples: number } | null;
  readonly logs: LogLimits;
  /** When set, it is a job that runs at these times. */
  readonly schedule: { readonly cron: string; readonly timeZone: string | null } | null;
}

/** What a run depends on; the limits of its logs change under it. */
export function runPart({ logs, ...rest }: DaemonDefinition): Omit<DaemonDefinition, "logs"> {
  return rest;
}

/** A mistake and the keys that lead to it. */
export interface DefinitionProblem {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}
