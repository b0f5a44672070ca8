import type {
  CheckReport,
  GpuError,
  GpuStatus,
  NodeResources,
  ServerClock,
  SignalState,
} from "@ringrift/protocol";
import type { HysteresisCounts } from "./hysteresis.ts";

/** What one run of one probe brings: its report and, where it knows them, parts of the node's own report. */
export interface ProbeOutcome {
  readonly report: CheckReport;
  /** Present when the probe speaks for the GPUs: null is unknown, `[]` is a host without any. */
  readonly gpus?: readonly GpuStatus[] | null;
  readonly resources?: Partial<NodeResources>;
  /** The last errors that the kernel log told of GPUs, oldest first. */
  readonly gpuErrors?: readonly GpuError[];
}

/** One line of a check's page: in which state it is when, and what to do then. */
export interface CheckRule {
  readonly state: SignalState;
  readonly when: string;
  readonly advice: string;
}

/** One check of this host. `run` may throw or hang; `runProbe` turns both into a report. */
export interface Probe {
  readonly name: string;
  readonly title: string;
  /** What it reads, for people. */
  readonly reads: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** For its page of documentation, worst first. */
  readonly rules: readonly CheckRule[];
  /** What a run costs, for people. */
  readonly cost: string;
  /** Each run starts a program, which takes milliseconds of the event loop: such checks are not to run in one turn with others. */
  readonly startsProgram?: boolean;
  /** Runs in a row until a fault is told, and until it is over; told at once where absent. */
  readonly confirm?: HysteresisCounts;
  run(signal: AbortSignal): Promise<ProbeOutcome>;
  /** What can't wait for the next run; null when there is nothing. Cheap, to be asked every second or so. */
  news?(): Promise<ProbeOutcome | null>;
  /** Ends what it keeps open between runs. */
  close?(): void;
}

export interface ProbeOptions {
  /** Path or name of the nvidia-smi program. */
  readonly nvidiaSmi: string;
  /** How many GPUs this host should have; null when nobody said. */
  readonly expectedGpus: number | null;
  /** Kernel log: a device, a file or `journald`; null, the default, is /dev/kmsg where it may be read. */
  readonly kernelLog?: string | null;
  /** Where to remember what was read of the kernel log; without it, each start reads it anew. */
  readonly kernelLogMemory?: string | null;
  /** Where procfs lies; `/proc` unless given. */
  readonly procRoot?: string;
  /** Where sysfs lies; `/sys` unless given. */
  readonly sysRoot?: string;
  /** Where the host's configuration lies; `/etc` unless given. */
  readonly etcRoot?: string;
  /** Where the system keeps what lasts until the next boot; `/run` unless given. */
  readonly runRoot?: string;
  /** Where services keep their state; `/var/lib` unless given. */
  readonly stateRoot?: string;
  /** Plain parts of command lines; each must be found in at least one running process. */
  readonly processPatterns?: readonly string[];
  /** Time-out of a probe, 5 s unless given; slow ones (disks, processes, nvidia-smi) get three to four times as long. */
  readonly timeoutSeconds?: number;
  /** Seconds from which the clock counts as wrong; those of the table of thresholds unless given. */
  readonly clockOffsetSeconds?: number;
  /** This host's clock beside those of the servers, where there is a mesh to ask. */
  readonly serverClocks?: () => readonly ServerClock[];
  /** Wall clock, seconds since 1970. */
  readonly nowSeconds: () => number;
}
