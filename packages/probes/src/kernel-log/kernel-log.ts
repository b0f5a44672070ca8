import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "@ringrift/protocol";
import { readKernelFile } from "../kernel-file.ts";
import type { GpuRoster } from "../nvidia/gpu-roster.ts";
import { createKernelFaults, type KernelFaults } from "./core/kernel-faults.ts";
import type { KernelLogCursor } from "./core/kernel-line.ts";
import { createFileSource } from "./file-source.ts";
import { createJournalSource } from "./journal-source.ts";
import { createKmsgSource } from "./kmsg-source.ts";
import { loadKernelLogMemory, saveKernelLogMemory } from "./memory-file.ts";
import type { KernelLogSource, SourceOptions, SourceProblem } from "./source.ts";

export interface KernelLogOptions {
  /** A device like /dev/kmsg, a plain file, or `journald`; null is /dev/kmsg where it can be read. */
  readonly log: string | null;
  /** Where to remember what was read; null reads the whole log of this boot each time. */
  readonly memoryFile: string | null;
  readonly procRoot: string;
  readonly roster: GpuRoster;
  readonly nowSeconds: () => number;
  /** The program that follows the journal; `journalctl` unless given. */
  readonly journalctl?: string;
}

/** What is known of the kernel log after a poll. */
export interface KernelLogView {
  readonly faults: KernelFaults;
  readonly problem: SourceProblem | null;
  /** Where it is read from, for people. */
  readonly from: string;
  readonly linesRead: number;
  readonly linesLost: number;
  /** Why what was read could not be remembered, or was forgotten; null while all is well. */
  readonly memoryProblem: string | null;
}

/** Follows the kernel log for the checks that judge it. */
export interface KernelLog {
  /** Reads what is new and remembers it; one read at a time, which all who ask meanwhile share. Never rejects. */
  poll(): Promise<KernelLogView>;
  close(): void;
}

const defaultLog = "/dev/kmsg";
const unknownBoot = "unknown";
/** Lines that tell of no fault may be read again after a crash, so their place is saved at leisure. */
const saveSeconds = 10;

export function createKernelLog(options: KernelLogOptions): KernelLog {
  const { memoryFile, nowSeconds } = options;
  const from = options.log ?? defaultLog;
  let opened: Promise<{ faults: KernelFaults; source: KernelLogSource }> | null = null;
  let source: KernelLogSource | null = null;
  let polling: Promise<KernelLogView> | null = null;
  let linesRead = 0;
  let linesLost = 0;
  let memoryProblem: string | null = null;
  let saved = { cursor: "", at: Number.NEGATIVE_INFINITY };
  let closed = false;

  async function open(): Promise<{ faults: KernelFaults; source: KernelLogSource }> {
    const bootId = await readBootId(options.procRoot);
    const loaded = memoryFile === null ? null : await loadKernelLogMemory(memoryFile);
    if (loaded === "damaged")
      memoryProblem = `${memoryFile ?? ""} was damaged, so this boot's lines are told anew`;
    const memory = loaded === "damaged" ? null : loaded;
    const sourceOptions: SourceOptions = {
      bootId,
      // Without a boot id nobody can tell whether it is a place in this log.
      cursor: bootId === unknownBoot ? null : (memory?.cursor ?? null),
      clock: () => ({ wall: nowSeconds(), monotonic: monotonicSeconds() }),
    };
    source = await openSource(from, options.journalctl ?? "journalctl", sourceOptions);
    return { faults: createKernelFaults(bootId, options.roster, memory?.faults ?? null), source };
  }

  async function read(): Promise<KernelLogView> {
    opened ??= open();
    const { faults, source: reader } = await opened;
    const found = await reader.read();
    let mustSave = false;
    for (const line of found.lines) mustSave = faults.take(line, nowSeconds()) || mustSave;
    faults.settle(nowSeconds());
    linesRead += found.lines.length;
    linesLost += found.lost;
    // Saved before it is told: after a crash between the two, an error is missing from the log of events, not in it twice.
    if (found.cursor !== null) await save(faults, found.cursor, mustSave);
    return { faults, problem: found.problem, from, linesRead, linesLost, memoryProblem };
  }

  async function save(faults: KernelFaults, cursor: KernelLogCursor, must: boolean): Promise<void> {
    const isNew = cursor.position !== saved.cursor;
    if (memoryFile === null || !isNew || (!must && nowSeconds() - saved.at < saveSeconds)) return;
    try {
      await saveKernelLogMemory(memoryFile, { cursor, faults: faults.memory() });
      saved = { cursor: cursor.position, at: nowSeconds() };
    } catch (error) {
      memoryProblem = `${memoryFile} can't be written: ${errorText(error)}`;
    }
  }

  return {
    poll: () => {
      polling ??= read().finally(() => {
        polling = null;
        if (closed) source?.close();
      });
      return polling;
    },
    close: () => {
      closed = true;
      if (polling === null) source?.close();
    },
  };
}

/** CLOCK_MONOTONIC, by which the kernel stamps its lines. */
function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

async function readBootId(procRoot: string): Promise<string> {
  const path = join(procRoot, "sys/kernel/random/boot_id");
  const text = await readKernelFile(path, new AbortController().signal).catch(() => null);
  return text?.trim() || unknownBoot;
}

async function openSource(
  from: string,
  journalctl: string,
  options: SourceOptions,
): Promise<KernelLogSource> {
  if (from === "journald") return createJournalSource(journalctl, options);
  const isDevice = await stat(from).then(
    (found) => found.isCharacterDevice(),
    () => from === defaultLog,
  );
  return isDevice ? createKmsgSource(from, options) : createFileSource(from, options);
}
