import { readProcFile } from "./proc-file.ts";
import { listPids, lookUp, type ProcessStat } from "./process-stat.ts";

export interface ProcessEntry extends ProcessStat {
  /** The runs it was started by, outermost first, separated by commas; empty when it carries no marker. */
  readonly marker: string;
}

export interface ProcessSnapshot {
  readonly entries: readonly ProcessEntry[];
  /** False when a process ended during the reading: what it had just started may be missing. */
  readonly complete: boolean;
}

/** Environment variable that all that a daemon starts inherits. */
export const markerVariable = "RINGRIFT_RUN";

/** So many processes are read before other work gets its turn. */
const slice = 100;
const shortageMs = 200;
/** How often one in the middle of an exec is looked at again, and for how long in all. */
const execPollMs = 10;
const execWaitMs = 1_000;

/** Reads all processes of the host, once for all who ask at the same time. */
export class ProcessTable {
  /** An environment is read once per process: it may be large, and what was inherited stays true. */
  readonly #markers = new Map<number, { readonly startTicks: number; readonly marker: string }>();
  #next: Promise<ProcessSnapshot> | null = null;
  #reading: Promise<unknown> = Promise.resolve();
  #latest: { readonly snapshot: ProcessSnapshot; readonly at: number } | null = null;

  /** The processes as they are at a moment after the call. */
  read(): Promise<ProcessSnapshot> {
    // A reading that has begun may already have passed over what the caller just saw.
    if (this.#next !== null) return this.#next;
    const next = this.#reading.then(() => {
      this.#next = null;
      return this.#readAll();
    });
    this.#next = next;
    this.#reading = next.catch(() => undefined);
    return next;
  }

  /** The processes as they were at most so long ago: many who only look now and then share one reading. */
  async readWithin(ageMs: number): Promise<ProcessSnapshot> {
    const latest = this.#latest;
    return latest !== null && performance.now() - latest.at < ageMs ? latest.snapshot : await this.read();
  }

  async #readAll(): Promise<ProcessSnapshot> {
    for (;;) {
      try {
        return await this.#tryAll();
      } catch {
        // No descriptor left to look with: nobody is called gone for that.
        await new Promise((resolve) => setTimeout(resolve, shortageMs));
      }
    }
  }

  async #tryAll(): Promise<ProcessSnapshot> {
    const at = performance.now();
    const pids = listPids();
    const entries: ProcessEntry[] = [];
    let complete = true;
    /** False when it cannot be told yet. */
    const take = (pid: number, last: boolean): boolean => {
      const stat = lookUp(pid);
      const marker = stat === null ? "" : this.#markerOf(stat);
      if (marker === null && !last) return false;
      if (stat === null) complete = false;
      else entries.push({ ...stat, marker: marker ?? "" });
      return true;
    };
    let untold: number[] = [];
    for (const [index, pid] of pids.entries()) {
      if (index % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve));
      if (!take(pid, false)) untold.push(pid);
    }
    for (let waitedMs = 0; untold.length > 0; waitedMs += execPollMs) {
      await new Promise((resolve) => setTimeout(resolve, execPollMs));
      untold = untold.filter((pid) => !take(pid, waitedMs >= execWaitMs));
    }
    const living = new Set(pids);
    for (const pid of this.#markers.keys()) if (!living.has(pid)) this.#markers.delete(pid);
    const snapshot = { entries, complete };
    this.#latest = { snapshot, at };
    return snapshot;
  }

  /** Null in the middle of an exec: it cannot be told. */
  #markerOf({ pid, parent, startTicks, isBare }: ProcessStat): string | null {
    // Kernel threads, the children of pid 2, have no environment.
    if (pid === 2 || parent === 2) return "";
    const known = this.#markers.get(pid);
    if (known?.startTicks === startTicks) return known.marker;
    const marker = readMarker(pid);
    if (marker === null) return isBare ? "" : null;
    this.#markers.set(pid, { startTicks, marker });
    return marker;
  }
}

/** Null where there is no environment to read. */
function readMarker(pid: number): string | null {
  try {
    const environment = readProcFile(`/proc/${pid}/environ`);
    if (environment === "") return null;
    const [, marker = ""] = new RegExp(`(?:^|\\0)${markerVariable}=([^\\0]*)`).exec(environment) ?? [];
    return marker;
  } catch (error) {
    // What we may not read was not started by us, unless it changed its user: then its ancestors tell.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "EACCES" || code === "EPERM" ? "" : null;
  }
}
