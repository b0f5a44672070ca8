/** What a daemon's whole tree of processes uses. */
export interface ResourceUse {
  /** Cores in use since the sample before; null in the first. 1 is one core busy all the time. */
  readonly cpuCores: number | null;
  /** Resident memory, pages shared within the tree counted in each process. */
  readonly memoryBytes: number;
}
