import { type ChildProcess, spawn } from "node:child_process";
import { errorText } from "@ringrift/protocol";

/** How one call of nvidia-smi ended. */
export type SmiRun =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "too_long"; readonly limitBytes: number }
  | { readonly kind: "timed_out"; readonly afterSeconds: number }
  | { readonly kind: "hung"; readonly forSeconds: number };

export interface SmiRunnerOptions {
  /** Path or name of the program. */
  readonly program: string;
  readonly timeoutMs: number;
  /** Monotonic or wall clock in seconds, to say for how long a hung call hangs. */
  readonly nowSeconds: () => number;
  /** Output beyond this is not read; 4 MiB unless given. */
  readonly maxOutputBytes?: number;
}

/** How long a killed call may take to end before it counts as hung in the driver. */
const killGraceMs = 1000;
const maxErrorBytes = 64 * 1024;

/**
 * Calls nvidia-smi, at most one at a time. A call that not even SIGKILL ends hangs in the driver (uninterruptible
 * sleep): it is reported as `hung` for as long as it lives, and no second one is started beside it.
 */
export function createSmiRunner(
  options: SmiRunnerOptions,
): (args: readonly string[], signal: AbortSignal) => Promise<SmiRun> {
  const { program, timeoutMs, nowSeconds, maxOutputBytes = 4 * 1024 * 1024 } = options;
  let alive: { readonly child: ChildProcess; readonly since: number } | null = null;

  return (args, signal) => {
    if (alive !== null) {
      return Promise.resolve({ kind: "hung", forSeconds: Math.max(0, nowSeconds() - alive.since) });
    }
    signal.throwIfAborted();
    return new Promise<SmiRun>((resolve) => {
      // A group of its own, so that what a wrapper script started ends with it.
      const child = spawn(program, [...args], {
        stdio: ["ignore", "pipe", "pipe"],
        detached: process.platform !== "win32",
        windowsHide: true,
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
      let ending: SmiRun | null = null;
      let exited = false;
      let graceTimer: ReturnType<typeof setTimeout> | undefined;

      const settle = (run: SmiRun) => {
        clearTimeout(timer);
        clearTimeout(graceTimer);
        signal.removeEventListener("abort", onAbort);
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        resolve(run);
      };
      const stop = (run: SmiRun) => {
        if (ending !== null) return;
        ending = run;
        // It ended, and something it started outside its group still holds the pipes.
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

function isMissing(error: Error): boolean {
  return "code" in error && error.code === "ENOENT";
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It ended in this very moment.
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
