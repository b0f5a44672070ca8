import type { SmiReport } from "./smi-parse.ts";

/** What nvidia-smi last said, for the checks that judge it beside the one that asks. */
interface BoardEntry {
  /** Null when it gave no whole answer. */
  readonly report: SmiReport | null;
  /** Whether this host is one without NVIDIA hardware. */
  readonly absent: boolean;
  /** Seconds since 1970. */
  readonly at: number;
}

/** Where the GPU probe leaves each answer, so that one call of nvidia-smi serves every check. */
export interface GpuBoard {
  post(entry: BoardEntry): void;
  /** The newest entry; waits for the first. */
  read(signal: AbortSignal): Promise<BoardEntry>;
}

export function createGpuBoard(): GpuBoard {
  let latest: BoardEntry | null = null;
  let posted: (entry: BoardEntry) => void = () => {};
  const first = new Promise<BoardEntry>((resolve) => {
    posted = resolve;
  });
  return {
    post: (entry) => {
      latest = entry;
      posted(entry);
    },
    read: (signal) =>
      latest === null
        ? new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason), { once: true });
            void first.then(resolve);
          })
        : Promise.resolve(latest),
  };
}
