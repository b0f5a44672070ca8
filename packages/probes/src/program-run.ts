import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve as toPath } from "node:path";
import { errorText } from "@ringrift/protocol";
import { endStrays, lastPid, runVariable } from "./strays.ts";

/** How one run of a program ended. */
export type ProgramRun =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "too_long"; readonly limitBytes: number }
  | { readonly kind: "timed_out"; readonly afterSeconds: number }
  | { readonly kind: "hung"; readonly forSeconds: number };

export interface ProgramRunnerOptions {
  /** Path or name of the program. */
  readonly program: string;
  readonly timeoutMs: number;
  /** Monotonic or wall clock in seconds, to say for how long a hung call hangs. */
  readonly nowSeconds: () => number;
  /** Output beyond this is not read; 4 MiB unless given. */
  readonly maxOutputBytes?: number;
  /** Whether to end also what left the group; for programs of strangers. */
  readonly contained?: boolean;
}

/** How long a killed program may take to end before it counts as hung in the kernel. */
const killGraceMs = 1000;
const maxErrorBytes = 64 * 1024;

/**
 * Runs a program, at most once at a time, without a shell. What it leaves behind in its process group is killed when it ends.
 * A run that not even SIGKILL ends hangs in the kernel (uninterruptible sleep, as in a driver): it is reported as `hung` for
 * as long as it lives, and no second one is started beside it.
 */
export function createProgramRunner(
  options: ProgramRunnerOptions,
): (args: readonly string[], signal: AbortSignal) => Promise<ProgramRun> {
  const { program, timeoutMs, nowSeconds, maxOutputBytes = 4 * 1024 * 1024, contained = false } = options;
  let alive: { readonly child: ChildProcess; readonly since: number } | null = null;

  return (args, signal) => {
    if (alive !== null) {
      return Promise.resolve({ kind: "hung", forSeconds: Math.max(0, nowSeconds() - alive.since) });
    }
    signal.throwIfAborted();
    if (isNowhere(program)) return Promise.resolve({ kind: "missing" });
    return new Promise<ProgramRun>((resolve) => {
      const token = contained ? randomUUID() : null;
      const bornAfter = token === null ? null : lastPid();
      // A group of its own, so that what a wrapper script started ends with it.
      const child = spawn(program, [...args], {
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        ...(token === null ? {} : { env: { ...process.env, [runVariable]: token } }),
      });
      child.on("error", (error) => {
        if (child.pid !== undefined) return;
        resolve(isMissing(error) ? { kind: "missing" } : { kind: "failed", reason: errorText(error) });
      });
      // Not started, and without file descriptors it has no pipes either; its error event follows.
      if (child.pid === undefined) return;
      const since = nowSeconds();
      alive = { child, since };
      const stdout = collector(maxOutputBytes);
      const stderr = collector(maxErrorBytes);
      let ending: ProgramRun | null = null;
      let exited = false;
      let graceTimer: ReturnType<typeof setTimeout> | undefined;

      const settle = (run: ProgramRun) => {
        clearTimeout(timer);
        clearTimeout(graceTimer);
        signal.removeEventListener("abort", onAbort);
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        resolve(run);
      };
      const stop = (run: ProgramRun) => {
        if (ending !== null) return;
        ending = run;
        // What it still prints is wanted no more; left open, the pipe would bring all of a flood until the signal arrives.
        child.stdout.destroy();
        child.stderr.destroy();
        // It ended, and something it started that nobody can end still holds the pipes.
        if (exited) return settle(run);
        killGroup(child);
        graceTimer = setTimeout(() => {
          settle({ kind: "hung", forSeconds: Math.max(0, nowSeconds() - since) });
        }, killGraceMs);
      };
      const onAbort = () => stop({ kind: "timed_out", afterSeconds: Math.max(0, nowSeconds() - since) });
      const timer = setTimeout(() => stop({ kind: "timed_out", afterSeconds: timeoutMs / 1000 }), timeoutMs);
      signal.addEventListener("abort", onAbort, { once: true });

      child.stdout.on("data", (chunk: Buffer) => {
        if (!stdout.add(chunk)) stop({ kind: "too_long", limitBytes: maxOutputBytes });
      });
      child.stderr.on("data", (chunk: Buffer) => void stderr.add(chunk));
      child.on("exit", () => {
        exited = true;
        alive = null;
        // A child that it left in the background would live on, and might hold the pipes open.
        killGroup(child);
        if (token !== null) void endStrays(token, bornAfter);
        if (ending !== null) settle(ending);
      });
      child.on("close", (code, killedBy) => {
        if (killedBy !== null) settle(ending ?? { kind: "failed", reason: `ended by ${killedBy}` });
        else
          settle(
            ending ?? { kind: "exited", code: code ?? 255, stdout: stdout.text(), stderr: stderr.text() },
          );
      });
    });
  };
}

/** Looks where the kernel would: to be told by a failed start costs a process and fifty times as much. */
function isNowhere(program: string): boolean {
  const folders = program.includes("/") ? [""] : process.env.PATH?.split(":");
  // An empty folder is the working directory. Without PATH the system has a list of its own.
  return folders?.every((folder) => !existsSync(toPath(folder, program))) ?? false;
}

function isMissing(error: Error): boolean {
  return "code" in error && error.code === "ENOENT";
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is empty, or was not made yet; a child that has ended is not signalled again.
    child.kill("SIGKILL");
  }
}

function collector(limitBytes: number): { add(chunk: Buffer): boolean; text(): string } {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    /** False once the limit is passed; what is beyond it is not kept. */
    add(chunk) {
      if (size + chunk.length > limitBytes) return false;
      size += chunk.length;
      chunks.push(chunk);
      return true;
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}
