import { createHash } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText, RingRiftError } from "@ringrift/protocol";
import { type DaemonDefinition, runPart } from "../definition/definition.ts";
import { makeFifos } from "./fifo.ts";
import { RunFiles } from "./run-files.ts";
import { takeSupervisorLock } from "./supervisor-lock.ts";
import { readState, StateWriter, type SupervisorState } from "./supervisor-state.ts";

/** What a supervisor keeps on disk, for itself and for the one after it. */
export class SupervisorStore {
  /** Names the runs of this state directory among all of the host. */
  readonly scope: string;
  /** What the supervisor before left; null when there is nothing. */
  readonly earlier: SupervisorState | null;
  readonly #folder: string;
  readonly #writer: StateWriter;
  readonly #unlock: () => void;

  /** @throws RingRiftError `SUPERVISOR_ALREADY_RUNNING`, `STATE_UNUSABLE` */
  constructor(folder: string, nowMs: number, onProblem: (text: string) => void) {
    this.#folder = folder;
    try {
      mkdirSync(join(folder, "daemons"), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new RingRiftError(`Cannot use the state directory ${folder}: ${errorText(error)}`, {
        code: "STATE_UNUSABLE",
        nextStep: "Give a directory that this user may write to.",
        cause: error,
      });
    }
    const { dev, ino } = statSync(folder);
    this.scope = createHash("sha256").update(`${dev}:${ino}:${folder}`).digest("hex").slice(0, 16);
    this.#unlock = takeSupervisorLock(join(folder, "lock"), nowMs);
    const path = join(folder, "state.json");
    this.earlier = readState(path, onProblem);
    this.#writer = new StateWriter(path, onProblem);
  }

  files(daemon: string): RunFiles {
    return new RunFiles(join(this.#folder, "daemons", daemon));
  }

  /** Makes the pipes of many daemons at once: one by one they would delay each start. */
  prepare(definitions: readonly DaemonDefinition[]): void {
    const programs = definitions.filter(({ service }) => service === null);
    for (const { name } of programs)
      mkdirSync(join(this.#folder, "daemons", name), { recursive: true, mode: 0o700 });
    makeFifos(programs.flatMap(({ name }) => this.files(name).pipes()));
  }

  /** Soon writes what `state` then returns, unless that is null. */
  save(state: () => SupervisorState | null): void {
    this.#writer.save(state);
  }

  /** What was given to `save` is on disk, as far as the disk takes it. */
  async flush(): Promise<void> {
    await this.#writer.flush();
  }

  /** Lets another supervisor have the directory, once everything is written. */
  async close(): Promise<void> {
    await this.#writer.close();
    this.#unlock();
  }
}

/** Tells a definition from one that was changed; secrets in it cannot be read from it. */
export function definitionDigest(definition: DaemonDefinition): string {
  return createHash("sha256")
    .update(JSON.stringify(runPart(definition)))
    .digest("hex")
    .slice(0, 16);
}
