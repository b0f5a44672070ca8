import { chownSync, closeSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { ProcessStat } from "../process/process-stat.ts";
import { fifoHolders, isHeld, makeFifos, openChildEnd, openHeld, openReader } from "./fifo.ts";

/** Our ends of a run's pipes. */
export interface RunReaders {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly notify: Readable | null;
}

export interface ChildEnds {
  /** For `spawn`, by descriptor. */
  readonly stdio: readonly ("ignore" | "pipe" | number)[];
  /** To be called once the child has its own copies. */
  close(): void;
}

/** Both ends of the pipes of a new run. */
export interface RunPipes {
  readonly ends: ChildEnds;
  readonly readers: RunReaders;
}

/**
 * The files of one daemon. Its output goes through named pipes that outlive the supervisor, and each of its processes holds
 * one more, the lifeline: while that is held, a copy of the daemon runs, whatever became of everything else.
 */
export class RunFiles {
  readonly log: string;
  readonly #folder: string;
  readonly #lifeline: string;
  readonly #notify: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.log = join(folder, "log");
    this.#lifeline = join(folder, "lifeline");
    this.#notify = join(folder, "notify");
  }

  /**
   * Opens the pipes of a new run. The one for notifications is made for this run and loses its name at once: only who has the
   * descriptor from the daemon can write to it, no outsider and nothing that an earlier run left.
   * @throws RingRiftError `STATE_UNUSABLE`
   */
  openRun(notifyFd: number | null, user: { readonly uid: number; readonly gid: number } | null): RunPipes {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const paths = [...this.pipes(), ...(notifyFd === null ? [] : [this.#notify])];
    rmSync(this.#notify, { force: true });
    makeFifos(paths);
    // A daemon that opens /dev/stdout needs the right to its own pipe.
    if (user !== null) for (const path of paths) chownSync(path, user.uid, user.gid);
    const [stdout = -1, stderr = -1, lifeline = -1, notify = -1] = paths.map(openChildEnd);
    const between = notifyFd === null ? [] : [...Array<"ignore">(notifyFd - 3).fill("ignore"), notify];
    const readers = this.#readers(notifyFd === null ? null : openReader(this.#notify));
    rmSync(this.#notify, { force: true });
    return {
      ends: {
        stdio: ["ignore", stdout, stderr, ...between, lifeline],
        close: () => {
          for (const fd of [stdout, stderr, lifeline, notify]) if (fd !== -1) closeSync(fd);
        },
      },
      readers,
    };
  }

  /** Opens our ends of a run that an earlier supervisor started, its notifications through whoever of it holds their pipe. */
  reopen(pid: number, notifyFd: number | null): RunReaders {
    const pids = [pid, ...this.holders().map((holder) => holder.pid)];
    return this.#readers(notifyFd === null ? null : openHeld(pids, notifyFd, this.#notify));
  }

  #readers(notify: Readable | null): RunReaders {
    const open = (name: string): Readable => openReader(join(this.#folder, name));
    return { stdout: open("stdout"), stderr: open("stderr"), notify };
  }

  /** Those that serve one run after the other. */
  pipes(): string[] {
    return ["stdout", "stderr", "lifeline"].map((name) => join(this.#folder, name));
  }

  /** A process of the daemon is alive somewhere. */
  get held(): boolean {
    return isHeld(this.#lifeline);
  }

  holders(): ProcessStat[] {
    return this.held ? fifoHolders(this.#lifeline) : [];
  }
}
