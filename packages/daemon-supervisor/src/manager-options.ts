import type { DaemonHealth, EventOccurrence, HealthCheckResult } from "@ringrift/protocol";
import type { DaemonMemory } from "./core/daemon-memory.ts";
import type { FleetLimits } from "./core/fleet-gate.ts";
import type { DaemonDefinition } from "./definition/definition.ts";
import type { DaemonLogs } from "./log/daemon-log.ts";
import type { LogLine } from "./log/log-ring.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface DaemonManagerOptions {
  readonly definitions: readonly DaemonDefinition[];
  /** Named in every event. */
  readonly nodeId: string;
  readonly onEvent: (event: EventOccurrence) => void;
  readonly log: (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
  /** Milliseconds since 1970; only schedules use it. */
  readonly wallMs?: () => number;
  /** In [0, 1); spreads the restart delays. One from a seed makes them repeatable. */
  readonly random?: () => number;
  /** Environment that daemons inherit, without what is the supervisor's own business; by default of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Bounds on the restarts of all daemons together. */
  readonly fleet?: Partial<FleetLimits>;
  /**
   * Where the supervisor keeps its state and the daemons' logs, one directory for each supervisor. With it daemons outlive a
   * supervisor that is killed, and the next one takes them over. @throws RingRiftError `SUPERVISOR_ALREADY_RUNNING`
   */
  readonly stateDir?: string;
  /** What an earlier supervisor remembered, by daemon, aged up to now (`agedMemory`). */
  readonly memories?: ReadonlyMap<string, DaemonMemory>;
}

export interface DaemonManager {
  /** Starts what has nothing to wait for and returns; the others follow as their dependencies allow. */
  start(): Promise<void>;
  /**
   * Stops all, dependents first; resolves when every run is gone or has proved unkillable (state `stuck`). `withinMs` cuts
   * graces short, so that all are over by then: what is left of it is shared by those that stop one after another.
   */
  stop(withinMs?: number): Promise<void>;
  /** Kills all that runs, at once, and returns: for a process that can wait for nothing any more. */
  abandon(): void;
  /** Starts one, or runs a job now, forgetting its past crashes. @throws RingRiftError `DAEMON_UNKNOWN`, `SUPERVISOR_NOT_RUNNING` */
  startDaemon(name: string): Promise<void>;
  /** Stops one; it stays stopped until it is started by name. @throws RingRiftError `DAEMON_UNKNOWN` */
  stopDaemon(name: string): Promise<void>;
  /** @throws RingRiftError `DAEMON_UNKNOWN`, `SUPERVISOR_NOT_RUNNING` */
  restartDaemon(name: string): Promise<void>;
  /** @throws RingRiftError `DAEMON_UNKNOWN` */
  getDaemonHealth(name: string): HealthCheckResult;
  daemons(): DaemonHealth[];
  /** True while every critical daemon is healthy. */
  livenessProbe(): boolean;
  /** True once every daemon that is wanted up is ready, has completed, or is a job. */
  readinessProbe(): boolean;
  /** The daemons that keep `readinessProbe` from being true, each with its state: `worker (starting)`. */
  unready(): readonly string[];
  /** The last lines a daemon wrote. @throws RingRiftError `DAEMON_UNKNOWN` */
  logs(name: string): DaemonLogs;
  /** Tells of each further line a daemon writes, until the returned function is called. @throws RingRiftError `DAEMON_UNKNOWN` */
  followLogs(name: string, follower: (line: LogLine) => void): () => void;
  /** Restarts only what changed, stops what is gone, starts what is new. @throws RingRiftError `DAEMONS_INVALID` */
  reload(definitions: readonly DaemonDefinition[]): Promise<void>;
  /** What must outlive this supervisor, by daemon. */
  memories(): ReadonlyMap<string, DaemonMemory>;
}
