import type { EventName } from "@ringrift/protocol";
import type { FleetGate } from "../core/fleet-gate.ts";
import type { DaemonDefinition } from "../definition/definition.ts";
import type { DaemonLog } from "../log/daemon-log.ts";
import type { ContainmentOptions } from "../process/containment.ts";
import type { RunFiles } from "../state/run-files.ts";

export type DaemonEventName = Extract<EventName, `DAEMON_${string}` | `COORDINATOR_${string}`>;

/** What a runner needs of its manager. */
export interface RunnerHost {
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly random: () => number;
  /** What daemons inherit. */
  readonly env: NodeJS.ProcessEnv;
  readonly fleet: FleetGate;
  /** What holds the processes of a run, a new one without a token. */
  containment(name: string, token?: string): ContainmentOptions;
  /** What holds the processes of one health check. */
  checkContainment(name: string): ContainmentOptions;
  /** Where the daemon's files are, null where nothing is kept on disk. */
  files(name: string): RunFiles | null;
  logOf(definition: DaemonDefinition): DaemonLog;
  /** What the daemon still has to wait for before it may start. */
  unmet(name: string): readonly string[];
  /** Its run is lost: others may have to go down with it. It comes back after `delayMs`, or not by itself (null). */
  lost(name: string, delayMs: number | null): void;
  /** Resolves when what is known now outlives this process; null where nothing does. */
  remembered(): Promise<void> | null;
  /** `lastWords` of the daemon may be secret: they are for the supervisor's own log alone. */
  emit(event: DaemonEventName, daemon: string, reason: string, lastWords: string): void;
  /** Something changed that others may wait for. */
  changed(): void;
}

/** Why a daemon goes down. */
export interface StopOrder {
  readonly reason: string;
  /** It stays down until it is started by name. */
  readonly byOperator: boolean;
  /** Cuts its own grace short. */
  readonly longestGraceMs?: number;
}
