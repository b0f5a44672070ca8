import { readFileSync, renameSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { errorText } from "@ringrift/protocol";
import { z } from "zod";
import { type DaemonMemory, daemonMemorySchema } from "../core/daemon-memory.ts";
import { within } from "../deadline.ts";

/** A run as it must be known to adopt it. */
export interface SavedRun {
  readonly pid: number;
  readonly startTicks: number;
  readonly token: string;
  readonly ready: boolean;
  readonly ageMs: number;
}

interface SavedDaemon {
  readonly memory: DaemonMemory;
  readonly run: SavedRun | null;
  /** Of the definition that the run was started with. */
  readonly definition: string;
}

/** What a supervisor leaves to the next one. */
export interface SupervisorState {
  readonly schema: 1;
  readonly bootId: string;
  readonly savedAtMs: number;
  readonly daemons: Readonly<Record<string, SavedDaemon>>;
}

const runSchema: z.ZodType<SavedRun> = z.object({
  pid: z.int().min(2),
  startTicks: z.int().min(0),
  token: z.string().min(1).max(300),
  ready: z.boolean(),
  ageMs: z.number().min(0),
});

const stateSchema: z.ZodType<SupervisorState> = z.object({
  schema: z.literal(1),
  bootId: z.string(),
  savedAtMs: z.number(),
  daemons: z.record(
    z.string(),
    z.object({ memory: daemonMemorySchema, run: runSchema.nullable(), definition: z.string() }),
  ),
});

/** Reads the state at `path`, null when there is none. What cannot be read is set aside and told of, never guessed at. */
export function readState(path: string, onProblem: (text: string) => void): SupervisorState | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
      onProblem(`The supervisor's state ${path} cannot be read: ${errorText(error)}`);
    return null;
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).slice(0, 300) : errorText(error);
    onProblem(`The supervisor's state ${path} is set aside as ${path}.bad, and counts begin anew: ${why}`);
    renameSync(path, `${path}.bad`);
    return null;
  }
}

/** Writes the newest state, one writing at a time; a reader finds the old or the new one, never a part. */
export class StateWriter {
  readonly #path: string;
  readonly #onProblem: (text: string) => void;
  #writing: Promise<void> | null = null;
  #next: { readonly state: () => SupervisorState | null; readonly tried: PromiseWithResolvers<void> } | null =
    null;
  #hurry: () => void = () => undefined;
  /** What waits is waited for, though something older is still being written. */
  #hurried = false;
  #current: Promise<void> = Promise.resolve();
  #problem = "";
  #closes = false;

  constructor(path: string, onProblem: (text: string) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  /** Writes what `state` returns, soon and if it is not null: changes that come close together are written once. */
  save(state: () => SupervisorState | null): void {
    this.#next = { state, tried: this.#next?.tried ?? Promise.withResolvers() };
    this.#writing ??= this.#writeAll();
  }

  /** Writes at once what waits; resolves when the disk has taken or refused it, or has been waited for long enough. */
  async flush(): Promise<void> {
    const tried = this.#next?.tried.promise ?? this.#current;
    this.#hurried = this.#next !== null;
    this.#hurry();
    await within(tried, longestFlushMs);
  }

  /** Resolves when all that was asked for has been written, or could not be. */
  async close(): Promise<void> {
    this.#closes = true;
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== null) {
      if (!this.#hurried) await this.#pause(gatherMs);
      const { state, tried } = this.#next;
      this.#next = null;
      this.#hurried = false;
      this.#current = tried.promise;
      const refused = await this.#write(state());
      tried.resolve();
      if (refused === null || this.#closes) continue;
      await this.#pause(retryMs);
      this.#next ??= { state: () => refused, tried: Promise.withResolvers() };
    }
    this.#writing = null;
  }

  /** The state that could not be written, null when all is well. */
  async #write(state: SupervisorState | null): Promise<SupervisorState | null> {
    if (state === null) return null;
    try {
      await writeAtomically(this.#path, JSON.stringify(state));
      this.#problem = "";
      return null;
    } catch (error) {
      const problem = errorText(error);
      if (problem !== this.#problem) this.#onProblem(`The supervisor's state cannot be written: ${problem}`);
      this.#problem = problem;
      return state;
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A crash of many daemons is one writing. */
const gatherMs = 50;
/** A disk that did not take it is left alone for so long. */
const retryMs = 1_000;
/** A disk that hangs must not keep a daemon from being stopped. */
const longestFlushMs = 1_000;

async function writeAtomically(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}
