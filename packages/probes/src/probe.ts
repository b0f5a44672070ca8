import type { CheckReport, GpuStatus, NodeResources } from "@ringrift/protocol";

/** What one run of one probe brings: its report and, where it knows them, parts of the node's own report. */
export interface ProbeOutcome {
  readonly report: CheckReport;
  /** Present when the probe speaks for the GPUs: null is unknown, `[]` is a host without any. */
  readonly gpus?: readonly GpuStatus[] | null;
  readonly resources?: Partial<NodeResources>;
}

/** One check of this host. `run` may throw or hang; `runProbe` turns both into a report. */
export interface Probe {
  readonly name: string;
  readonly title: string;
  /** What it reads, for people. */
  readonly reads: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  run(signal: AbortSignal): Promise<ProbeOutcome>;
}

export interface ProbeOptions {
  /** Path or name of the nvidia-smi program. */
  readonly nvidiaSmi: string;
  /** How many GPUs this host should have; null when nobody said. */
  readonly expectedGpus: number | null;
  /** Where procfs lies; `/proc` unless given. */
  readonly procRoot?: string;
  /** Where sysfs lies; `/sys` unless given. */
  readonly sysRoot?: string;
  /** Plain parts of command lines; each must be found in at least one running process. */
  readonly processPatterns?: readonly string[];
  /** Time-out of a probe, 5 s unless given; slow ones (disks, processes, machine, nvidia-smi) get three to four times as long. */
  readonly timeoutSeconds?: number;
  /** Wall clock, seconds since 1970. */
  readonly nowSeconds: () => number;
}
