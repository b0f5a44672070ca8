import type { KernelLine, KernelLogCursor } from "./core/kernel-line.ts";

/** Why a log can't be read now. `absent`: the host does not offer it. */
export interface SourceProblem {
  readonly reason: string;
  readonly action: string;
  readonly absent: boolean;
}

/** What one read brought; bounded, so the rest comes with the next one. */
export interface SourceRead {
  readonly lines: readonly KernelLine[];
  /** Lines that were overwritten or left out before they could be read. */
  readonly lost: number;
  /** Where to go on after a restart; null before the first line. */
  readonly cursor: KernelLogCursor | null;
  readonly problem: SourceProblem | null;
}

/** A place where the kernel's lines can be read. */
export interface KernelLogSource {
  /** The lines since the last read, without waiting for new ones. Never rejects. */
  read(): Promise<SourceRead>;
  close(): void;
}

export interface SourceOptions {
  readonly bootId: string;
  /** Up to where an earlier start of the agent has read. */
  readonly cursor: KernelLogCursor | null;
  readonly clock: () => { readonly wall: number; readonly monotonic: number };
}
