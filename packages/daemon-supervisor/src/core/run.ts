// One run of a daemon, whatever it is made of: a child process, an adopted one, a service inside this process.

/** How a run ended by itself. `unknown`: it was not our child, so nobody could collect its code. */
export type Exit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "unknown" };

/** `exited with code 1`, `was killed by SIGSEGV`. */
export function exitText(exit: Exit): string {
  if (exit.kind === "code") return `exited with code ${exit.code}`;
  if (exit.kind === "signal") return `was killed by ${exit.signal}`;
  return exit.kind === "failed" ? exit.reason : "ended, exit code unknown";
}

export interface RunListener {
  /** It runs; `pid` is null for a service inside this process. */
  spawned(pid: number | null): void;
  /** The program itself has ended; others that it started may still run. */
  exited(exit: Exit): void;
  /** It never ran. `refused`: trying again will not help until the definition or the disk changes. */
  notStarted(reason: string, refused: boolean): void;
  /** A line from the notification pipe, without its newline. */
  notified(line: string): void;
}

/** What is left of a run: pids, or words for what has none. */
export type Remains = readonly (number | string)[];

/** What finds the processes of a run, strongest first. */
export type Rung = "cgroup" | "marker" | "group";

/** How a run was brought to its end. */
export interface RunEnding {
  /** What could not be ended; nothing when it is proved to be gone. */
  readonly left: readonly number[];
  /** It did not end within its grace. */
  readonly killed: boolean;
  readonly rung: Rung;
}

const proofs: Readonly<Record<Rung, string>> = {
  cgroup: "its cgroup is empty",
  marker: "no process carries its marker",
  group: "its process group is empty",
};

/** How a run went and what proves that it is gone, for people: `ended in its grace, its cgroup is empty`. */
export function endingText({ killed, rung }: RunEnding): string {
  return `${killed ? "killed after its grace" : "ended in its grace"}, ${proofs[rung]}`;
}

/** What names a run of processes, also for a later supervisor. */
export interface EarlierRun {
  readonly pid: number;
  readonly startTicks: number;
  readonly token: string;
}

export interface Run {
  readonly pid: number | null;
  /** Its processes as last seen; none of a service inside this process. */
  readonly pids: readonly number[];
  /** Null or missing for what has no processes. */
  readonly identity?: EarlierRun | null;
  /** How `end` went; a service inside this process has none. */
  readonly ending?: RunEnding | null;
  /** Ends it and everything it started; resolves with what could not be ended. */
  end(signal: NodeJS.Signals, graceMs: number): Promise<Remains>;
  /** What of it still runs. */
  remaining(): Remains;
  /** Kills what is known of it and looks no further. */
  killNow(): void;
}
