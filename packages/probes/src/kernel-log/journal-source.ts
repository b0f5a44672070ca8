import { type ChildProcess, spawn } from "node:child_process";
import { errorText } from "@ringrift/protocol";
import { parseJournalEntry } from "./core/journal-entry.ts";
import type { KernelLine, KernelLogCursor } from "./core/kernel-line.ts";
import type { KernelLogSource, SourceOptions, SourceProblem } from "./source.ts";

const maxWaitingLines = 5000;
const maxLineLength = 256 * 1024;
/** After journalctl ended, it is started again no sooner than this. */
const restartSeconds = 5;

/** Follows the journal's kernel lines of this boot with one long-lived `journalctl`. */
export function createJournalSource(program: string, options: SourceOptions): KernelLogSource {
  const { bootId, clock } = options;
  let child: ChildProcess | null = null;
  let cursor: KernelLogCursor | null =
    options.cursor?.source === "journald" && options.cursor.bootId === bootId ? options.cursor : null;
  let waiting: KernelLine[] = [];
  let lost = 0;
  let problem: SourceProblem | null = null;
  let restartAt = 0;
  let closed = false;

  function start(): void {
    const from = cursor === null ? [] : [`--after-cursor=${cursor.position}`];
    const started = spawn(program, ["-k", "-f", "-o", "json", "--no-tail", "--no-pager", "-q", ...from], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    problem = null;
    let partial = "";
    let complaint = "";
    started.stdout.setEncoding("utf8");
    started.stdout.on("data", (chunk: string) => {
      const parts = (partial + chunk).split("\n");
      partial = parts.pop() ?? "";
      for (const part of parts) take(part);
      // The rest waits in the pipe, and journalctl with it.
      if (waiting.length >= maxWaitingLines) started.stdout.pause();
      if (partial.length > maxLineLength) {
        partial = "";
        lost += 1;
      }
    });
    started.stderr.setEncoding("utf8");
    started.stderr.on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-500);
    });
    started.on("error", (error) => end(errorText(error)));
    started.on("close", (code) => end(`it ended with ${code ?? "a signal"}: ${complaint.trim()}`));
  }

  function end(why: string): void {
    if (child === null) return;
    child = null;
    restartAt = clock().monotonic + restartSeconds;
    problem = {
      reason: `${program} does not follow the kernel's log: ${why}`,
      action: "Run `journalctl -k -n 1` as the agent's user, or set RINGRIFT_KMSG to /dev/kmsg.",
      absent: false,
    };
  }

  function take(text: string): void {
    const line = parseJournalEntry(text);
    if (line !== null) waiting.push(line);
  }

  return {
    read: async () => {
      if (child === null && !closed && clock().monotonic >= restartAt) start();
      const lines = waiting;
      waiting = [];
      child?.stdout?.resume();
      const position = lines.at(-1)?.position;
      if (position !== undefined) cursor = { source: "journald", bootId, position };
      const read = { lines, lost, cursor, problem };
      lost = 0;
      return read;
    },
    close: () => {
      closed = true;
      child?.kill("SIGTERM");
      child = null;
    },
  };
}
