import { chownSync, closeSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { ProcessStat } from "../process/process-stat.ts";
import { fifoHolders, isHeld, makeFifos, openChildEnd, openReader } from "./fifo.ts";

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

/**
 * The files of one daemon. Its output goes through named pipes that outlive the supervisor, and each of its processes holds
 * one more, the lifeline: while that is held, a copy of the daemon runs, whatever became of everything else.
 */
export class RunFiles {
  readonly log: string;
  readonly #folder: string;
  readonly #lifeline: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.log = join(folder, "log");
    this.#lifeline = join(folder, "lifeline");
  }

  /** @throws RingRiftError `STATE_UNUSABLE` */
  openChildEnds(
    notifyFd: number | null,
    user: { readonly uid: number; readonly gid: number } | null,
  ): ChildEnds {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const paths = this.pipes(notifyFd !== null);
    makeFifos(paths);
    // A daemon that opens /dev/stdout needs the right to its own pipe.
    if (user !== null) for (const path of paths) chownSync(path, user.uid, user.gid);
    const [stdout = -1, stderr = -1, lifeline = -1, notify = -1] = paths.map(openChildEnd);
    const between = notifyFd === null ? [] : [...Array<"ignore">(notifyFd - 3).fill("ignore"), notify];
    return {
      stdio: ["ignore", stdout, stderr, ...between, lifeline],
      close: () => {
        for (const fd of [stdout, stderr, lifeline, notify]) if (fd !== -1) closeSync(fd);
      },
    };
  }

  openReaders(notifies: boolean): RunReaders {
    const open = (name: string): Readable => openReader(join(this.#folder, name));
    return { stdout: open("stdout"), stderr: open("stderr"), notify: notifies ? open("notify") : null };
  }

  pipes(notifies: boolean): string[] {
    const names = ["stdout", "stderr", "lifeline", ...(notifies ? ["notify"] : [])];
    return names.map((name) => join(this.#folder, name));
  }

  /** A process of the daemon is alive somewhere. */
  get held(): boolean {
    return isHeld(this.#lifeline);
  }

  holders(): ProcessStat[] {
    return this.held ? fifoHolders(this.#lifeline) : [];
  }
}
