import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { Readable } from "node:stream";
import { errorText } from "@ringrift/protocol";
import type { EarlierRun, Remains, Run, RunEnding, RunListener } from "../core/run.ts";
import type { DaemonDefinition } from "../definition/definition.ts";
import type { DaemonLog } from "../log/daemon-log.ts";
import { RunOutput } from "../log/run-output.ts";
import type { ChildEnds, RunFiles, RunReaders } from "../state/run-files.ts";
import { launchOf } from "./account-launch.ts";
import { Containment, type ContainmentOptions, markerEnvironment } from "./containment.ts";

/** What a process is started with beside its definition. */
export interface ProcessSurroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly log: DaemonLog;
  readonly containment: ContainmentOptions;
  /** Null: its pipes end with the supervisor. */
  readonly files: RunFiles | null;
}

type ProcessDefinition = Pick<DaemonDefinition, "command" | "cwd" | "env"> &
  Partial<Pick<DaemonDefinition, "user" | "notifyFd">>;

/** One run of a daemon's program, leader of its own session and process group. */
export class DaemonProcess implements Run {
  readonly #containment: Containment | null = null;
  readonly #output: RunOutput | null = null;
  #ending: RunEnding | null = null;
  /** Also the id of its process group; null when it never started. */
  readonly pid: number | null = null;

  constructor(definition: ProcessDefinition, surroundings: ProcessSurroundings, listener: RunListener) {
    const { log, containment, files } = surroundings;
    const notifyFd = definition.notifyFd ?? null;
    let ended = false;
    const fail = (error: unknown): void => {
      if (ended) return;
      ended = true;
      const { reason, refused } = startFailure(error, definition.command[0] ?? "", definition.cwd);
      listener.notStarted(reason, refused);
    };
    let child: ChildProcess;
    let readers: RunReaders | null = null;
    try {
      const held = files?.holders().map(({ pid }) => pid) ?? [];
      if (held.length > 0)
        throw new Error(`another copy of it still runs: pid ${held.slice(0, 10).join(", ")}`);
      const pipes = files?.openRun(notifyFd, definition.user ?? null) ?? null;
      readers = pipes?.readers ?? null;
      try {
        child = spawnChild(definition, surroundings, pipes?.ends.stdio ?? pipeEnds(notifyFd));
      } finally {
        pipes?.ends.close();
      }
      readers ??= pipeReaders(child, notifyFd);
    } catch (error) {
      for (const reader of Object.values(readers ?? {})) reader?.destroy();
      queueMicrotask(() => fail(error));
      return;
    }
    this.pid = child.pid ?? null;
    if (this.pid !== null) this.#containment = Containment.around(this.pid, containment);
    const output = new RunOutput(readers, log, (line) => listener.notified(line));
    this.#output = output;
    child.on("spawn", () => listener.spawned(child.pid ?? 0));
    child.on("error", (error) => {
      // Only a child without a pid failed to start; later errors concern signals we send ourselves.
      if (child.pid !== undefined) return;
      output.close();
      fail(error);
    });
    // "exit", not "close": a grandchild may hold the pipes open for ever.
    child.on("exit", (code, signal) => {
      this.#containment?.changed();
      if (ended) return;
      ended = true;
      void output.drained().then(() => {
        listener.exited(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal });
      });
    });
  }

  get pids(): readonly number[] {
    return this.#containment?.pids ?? [];
  }

  get identity(): EarlierRun | null {
    return this.#containment?.identity ?? null;
  }

  get ending(): RunEnding | null {
    return this.#ending;
  }

  async end(signal: NodeJS.Signals, graceMs: number): Promise<Remains> {
    if (this.#containment === null) return [];
    this.#ending = await this.#containment.end(signal, graceMs);
    if (this.#ending.left.length === 0) this.#output?.close();
    return this.#ending.left;
  }

  remaining(): Remains {
    return this.#containment?.remaining() ?? [];
  }

  killNow(): void {
    this.#containment?.killNow();
  }
}

function spawnChild(
  { command, cwd, env: ownEnv, user = null }: ProcessDefinition,
  { env, containment }: ProcessSurroundings,
  stdio: ChildEnds["stdio"],
): ChildProcess {
  const all = { ...env, ...ownEnv, ...markerEnvironment(containment.token) };
  const { program, args, account } = launchOf(command, user, { cwd, path: all.PATH });
  return spawn(program, args, {
    ...(cwd === null ? {} : { cwd }),
    env: all,
    detached: true,
    shell: false,
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    stdio: [...stdio],
  });
}

/** Descriptors from 3 on: nothing up to the one that the daemon notifies through. */
function pipeEnds(notifyFd: number | null): ChildEnds["stdio"] {
  const between = notifyFd === null ? [] : [...Array<"ignore">(notifyFd - 3).fill("ignore"), "pipe" as const];
  return ["ignore", "pipe", "pipe", ...between];
}

function pipeReaders(child: ChildProcess, notifyFd: number | null): RunReaders {
  const notify = notifyFd === null ? null : child.stdio[notifyFd];
  return { stdout: child.stdout, stderr: child.stderr, notify: notify instanceof Readable ? notify : null };
}

/** What may be had again later. */
const shortages: Readonly<Record<string, string>> = {
  EAGAIN: "no more processes are allowed (EAGAIN)",
  ENOMEM: "the host has no memory for it (ENOMEM)",
  EMFILE: "the supervisor has too many open files (EMFILE)",
  ENFILE: "the host has too many open files (ENFILE)",
};

function startFailure(
  error: unknown,
  program: string,
  cwd: string | null,
): { reason: string; refused: boolean } {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (cwd !== null && (code === "ENOENT" || code === "ENOTDIR") && !isDirectory(cwd)) {
    return { reason: `working directory ${cwd} does not exist`, refused: true };
  }
  if (code === "ENOENT" || code === "ENOTDIR")
    return { reason: `program ${program} not found`, refused: true };
  if (code === "EACCES" || code === "EPERM" || code === "ENOEXEC") {
    return { reason: `program ${program} may not be executed (${code})`, refused: true };
  }
  if (code === "E2BIG")
    return {
      reason: `could not start ${program}: its arguments and environment are too large`,
      refused: true,
    };
  const shortage = shortages[String(code)];
  if (shortage !== undefined) return { reason: `could not start ${program}: ${shortage}`, refused: false };
  return {
    reason: `could not start ${program}: ${errorText(error)}`,
    refused: code === "ERR_INVALID_ARG_VALUE",
  };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
