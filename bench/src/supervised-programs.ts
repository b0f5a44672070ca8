import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "./timed.ts";

/** A program that keeps others running, driven as its users drive it. */
export interface Supervisor {
  readonly name: string;
  readonly version: string;
  start(program: string): Promise<void>;
  startAll(): Promise<void>;
  /** Resolves when it says so, or after its own patience. */
  stop(program: string): Promise<void>;
  /** Its processes, without those that it keeps. */
  ownPids(): readonly number[];
  close(): Promise<void>;
}

/** A start of a program, told by its own first statement. */
interface Start {
  readonly pid: number;
  /** Seconds since 1970. */
  readonly at: number;
}

/** Programs for supervisors to run; what they do is read from files that they write. */
export class SupervisedPrograms {
  readonly names: readonly string[];
  readonly #folder: string;

  /** `plainOnly` leaves out the deaf one and the one with grandchildren. */
  constructor(
    folder: string,
    plainCount: number,
    { plainOnly = false }: { readonly plainOnly?: boolean } = {},
  ) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const plain = Array.from({ length: plainCount }, (_, i) => `plain${i}`);
    for (const name of plain) this.#write(name, "exec sleep 600");
    this.#write("deaf", "trap '' TERM HUP INT QUIT\nwhile :; do sleep 0.2; done");
    this.#write(
      "family",
      `for i in 1 2 3 4; do (setsid sleep 602 > /dev/null 2>&1 & echo $! >> ${folder}/grandchildren); done\nexec sleep 601`,
    );
    this.names = plainOnly ? plain : [...plain, "deaf", "family"];
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  starts(name: string): Start[] {
    return this.#lines(`${name}.starts`).map((line) => {
      const [pid = 0, at = 0] = line.split(" ").map(Number);
      return { pid, at };
    });
  }

  /** The next start after the first `count`. */
  async startAfter(name: string, count: number): Promise<Start> {
    for (let waited = 0; waited < 60_000; waited += 2) {
      const start = this.starts(name)[count];
      if (start !== undefined) return start;
      await sleep(2);
    }
    throw new Error(`waited a minute for start ${count + 1} of ${name}`);
  }

  get grandchildren(): number[] {
    return this.#lines("grandchildren").map(Number);
  }

  /** As if nothing had been started yet. */
  forget(): void {
    for (const file of readdirSync(this.#folder))
      if (file.endsWith(".starts") || file === "grandchildren") rmSync(join(this.#folder, file));
  }

  /** Ends what a supervisor left behind. */
  killAll(): void {
    const started = readdirSync(this.#folder).filter((file) => file.endsWith(".starts"));
    const pids = started.flatMap((file) => this.starts(file.replace(/\.starts$/, "")).map(({ pid }) => pid));
    for (const pid of [...pids, ...this.grandchildren]) if (alive(pid)) process.kill(pid, "SIGKILL");
  }

  #write(name: string, body: string): void {
    const first = `echo $$ $EPOCHREALTIME >> ${this.path(name)}.starts`;
    writeFileSync(this.path(name), `#!/bin/bash\n${first}\n${body}\n`, { mode: 0o755 });
  }

  #lines(file: string): string[] {
    try {
      return readFileSync(join(this.#folder, file), "utf8").split("\n").filter(Boolean);
    } catch {
      return [];
    }
  }
}

/** Definitions of programs that do nothing, for our own supervisor. */
export const sleepers = (
  count: number,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, i) => ({ name: `d${i}`, command: ["sleep", "1000"], ...more }));

/** Runs, and is no zombie. */
export function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}
