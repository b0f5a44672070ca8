import { type ChildProcess, spawn } from "node:child_process";
import { errorText } from "@ringrift/protocol";
import { parseJournalEntry } from "./core/journal-entry.ts";
import type { KernelLine, KernelLogCursor } from "./core/kernel-line.ts";
import type { KernelLogSource, SourceOptions, SourceProblem } from "./source.ts";

const maxWaitingLines = 5000;
const maxLineLength = 256 * 1024;
/** After journalctl ended, it is started again no sooner than this. */
const restartSeconds = 5;
/** Longest wait for lines of a journal that is read to its end; longer than the check itself may take. */
const catchUpMs = 10_000;

/** Reads the journal's kernel lines of this boot, and then follows what comes with one long-lived `journalctl`. */
export function createJournalSource(program: string, options: SourceOptions): KernelLogSource {
  const { bootId, clock } = options;
  let child: ChildProcess | null = null;
  let cursor: KernelLogCursor | null =
    options.cursor?.source === "journald" && options.cursor.bootId === bootId ? options.cursor : null;
  /** Of the last line that came, read or not. */
  let position = cursor?.position ?? null;
  let waiting: KernelLine[] = [];
  let lost = 0;
  let problem: SourceProblem | null = null;
  let restartAt = 0;
  let closed = false;
  /** What the journal holds already is not all read: an answer now would be of a part. */
  let isCatchingUp = false;
  let wake = (): void => undefined;

  /** `ended` is told why, null when it did what it was asked. */
  function launch(
    args: readonly string[],
    onLine: (text: string) => void,
    ended: (why: string | null, complaint: string) => void,
  ): void {
    const started = spawn(program, ["-o", "json", "--no-pager", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    let partial = "";
    let complaint = "";
    started.stdout.setEncoding("utf8");
    started.stdout.on("data", (chunk: string) => {
      const parts = (partial + chunk).split("\n");
      partial = parts.pop() ?? "";
      for (const part of parts) onLine(part);
      if (partial.length > maxLineLength) {
        partial = "";
        lost += 1;
      }
      if (waiting.length < maxWaitingLines) return;
      // The rest waits in the pipe, and journalctl with it.
      started.stdout.pause();
      wake();
    });
    started.stderr.setEncoding("utf8");
    started.stderr.on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-500);
    });
    const end = (why: string | null): void => {
      if (child !== started) return;
      child = null;
      ended(why, complaint.trim());
    };
    started.on("error", (error) => end(errorText(error)));
    started.on("close", (code) =>
      end(code === 0 ? null : `it ended with ${code ?? "a signal"}: ${complaint.trim()}`),
    );
  }

  function kernelLines(): string[] {
    return position === null ? ["-k"] : ["-k", `--after-cursor=${position}`];
  }

  function catchUp(): void {
    isCatchingUp = true;
    launch(kernelLines(), take, (why) => {
      if (why !== null || position !== null) caught(why);
      else lookForAny();
    });
  }

  /** A journal that is not there, or not for this user, also reads as one in which the kernel has said nothing. */
  function lookForAny(): void {
    let isThere = false;
    const see = (text: string): void => {
      isThere ||= text.startsWith("{");
    };
    launch(["-n", "1"], see, (why, complaint) =>
      caught(why ?? (isThere ? null : complaint || "it shows no journal to this user")),
    );
  }

  function caught(why: string | null): void {
    isCatchingUp = false;
    if (why !== null) fail(why);
    else if (!closed) follow();
    wake();
  }

  /** The journal's end is reached, or as many lines have come as may wait. */
  async function caughtUp(): Promise<void> {
    const timer = setTimeout(() => {
      stop();
      fail(`it did not come to the journal's end within ${catchUpMs / 1000} s`);
    }, catchUpMs);
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    clearTimeout(timer);
  }

  function stop(): void {
    child?.kill("SIGKILL");
    child = null;
    isCatchingUp = false;
    wake();
  }

  function follow(): void {
    problem = null;
    launch([...kernelLines(), "-f", "--no-tail", "-q"], take, (why, complaint) =>
      fail(why ?? `it ended: ${complaint}`),
    );
  }

  function fail(why: string): void {
    restartAt = clock().monotonic + restartSeconds;
    problem = {
      reason: `${program} does not follow the kernel's log: ${why}`,
      action: "Run `journalctl -k -n 1` as the agent's user, or set RINGRIFT_KMSG to /dev/kmsg.",
      absent: false,
    };
  }

  function take(text: string): void {
    const line = parseJournalEntry(text);
    if (line === null) return;
    waiting.push(line);
    position = line.position;
  }

  return {
    read: async () => {
      if (child === null && !closed && clock().monotonic >= restartAt) catchUp();
      child?.stdout?.resume();
      if (isCatchingUp) await caughtUp();
      const lines = waiting;
      waiting = [];
      const last = lines.at(-1)?.position;
      if (last !== undefined) cursor = { source: "journald", bootId, position: last };
      const read = { lines, lost, cursor, problem };
      lost = 0;
      return read;
    },
    close: () => {
      closed = true;
      stop();
    },
  };
}
