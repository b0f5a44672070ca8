import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { errorText } from "@ringrift/protocol";
import { Containment, type ContainmentOptions, markerEnvironment } from "./containment.ts";
import type { DaemonDefinition } from "./definition.ts";
import type { LogRing } from "./log-ring.ts";
import { readNotifications } from "./notify-pipe.ts";
import type { Remains, Run, RunEnding, RunListener } from "./run.ts";

/** One run of a daemon's program, leader of its own session and process group. */
export class DaemonProcess implements Run {
  readonly #child: ChildProcess | null;
  readonly #containment: Containment | null = null;
  #ending: RunEnding | null = null;
  /** Also the id of its process group; null when it never started. */
  readonly pid: number | null;

  constructor(
    definition: Pick<DaemonDefinition, "command" | "cwd" | "env"> &
      Partial<Pick<DaemonDefinition, "user" | "notifyFd">>,
    baseEnv: NodeJS.ProcessEnv,
    logs: LogRing,
    listener: RunListener,
    containment: ContainmentOptions,
  ) {
    const [program = "", ...args] = definition.command;
    const { user = null, notifyFd = null } = definition;
    let ended = false;
    const fail = (error: unknown): void => {
      if (ended) return;
      ended = true;
      const { reason, refused } = startFailure(error, program, definition.cwd);
      listener.notStarted(reason, refused);
    };
    try {
      this.#child = spawn(program, args, {
        ...(definition.cwd === null ? {} : { cwd: definition.cwd }),
        env: { ...baseEnv, ...definition.env, ...markerEnvironment(containment.token) },
        detached: true,
        shell: false,
        ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
        stdio: ["ignore", "pipe", "pipe", ...notifyStdio(notifyFd)],
      });
    } catch (error) {
      this.#child = null;
      this.pid = null;
      queueMicrotask(() => fail(error));
      return;
    }
    const child = this.#child;
    this.pid = child.pid ?? null;
    if (this.pid !== null) this.#containment = Containment.around(this.pid, containment);
    for (const stream of ["stdout", "stderr"] as const) {
      const decoder = new StringDecoder("utf8");
      child[stream]?.on("data", (chunk: Buffer) => logs.write(stream, decoder.write(chunk)));
      child[stream]?.on("error", () => undefined);
    }
    const notifications = notifyFd === null ? null : child.stdio[notifyFd];
    if (notifications instanceof Readable)
      readNotifications(notifications, (line) => listener.notified(line));
    child.on("spawn", () => listener.spawned(child.pid ?? 0));
    child.on("error", (error) => {
      // Only a child without a pid failed to start; later errors concern signals we send ourselves.
      if (child.pid === undefined) fail(error);
    });
    // "exit", not "close": a grandchild may hold the pipes open for ever.
    child.on("exit", (code, signal) => {
      this.#containment?.changed();
      if (ended) return;
      ended = true;
      // What it last wrote may still be in the pipe.
      setImmediate(() => {
        logs.flush();
        listener.exited(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal });
      });
    });
  }

  get pids(): readonly number[] {
    return this.#containment?.pids ?? [];
  }

  get ending(): RunEnding | null {
    return this.#ending;
  }

  async end(signal: NodeJS.Signals, graceMs: number): Promise<Remains> {
    if (this.#containment === null) return [];
    this.#ending = await this.#containment.end(signal, graceMs);
    if (this.#ending.left.length === 0) {
      this.#child?.stdout?.destroy();
      this.#child?.stderr?.destroy();
    }
    return this.#ending.left;
  }

  remaining(): Remains {
    return this.#containment?.remaining() ?? [];
  }
}

/** Descriptors from 3 on: nothing up to the one that the daemon notifies through. */
function notifyStdio(notifyFd: number | null): ("ignore" | "pipe")[] {
  return notifyFd === null ? [] : [...Array<"ignore">(notifyFd - 3).fill("ignore"), "pipe"];
}

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
  return {
    reason: `could not start ${program}: ${errorText(error)}`,
    refused: code === "E2BIG" || code === "ERR_INVALID_ARG_VALUE",
  };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
