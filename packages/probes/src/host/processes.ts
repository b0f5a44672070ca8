import { join } from "node:path";
import type { SignalState } from "@ringrift/protocol";
import { clip, type Judgement, type Measure } from "../judgement.ts";
import { listKernelFolder, readKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { ProbeError } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";

export interface ProcessState {
  readonly pid: number;
  readonly name: string;
  /** The kernel's letter: R, S, D (uninterruptible), Z (zombie), … */
  readonly letter: string;
  /** Ticks after boot; with the pid it names one process for ever. */
  readonly startTicks: number;
}

export interface ProcessTable {
  readonly processes: readonly ProcessState[];
  /** How many command lines hold each pattern. */
  readonly matches: ReadonlyMap<string, number>;
  /** Processes whose command line could not be read, so that they may be what a pattern looks for. */
  readonly unread: number;
  /** Processes beyond the bound, which were not looked at. */
  readonly skipped: number;
}

const manyZombies = 50;
const maxProcesses = 20_000;
const maxNamed = 5;

/** One /proc/<pid>/stat; null when the text is none. The name may hold blanks and brackets. */
export function parseProcessState(text: string): ProcessState | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const pid = parseCount(text.slice(0, open).trim());
  const rest = fieldsOf(text.slice(close + 1));
  const letter = rest[0];
  // Field 22 of the whole line; field 3 is rest[0].
  const startTicks = parseCount(rest[19]);
  if (pid === null || startTicks === null || letter === undefined || !/^[A-Za-z]$/.test(letter)) return null;
  return { pid, name: text.slice(open + 1, close), letter, startTicks };
}

/** One process, for ever: pids are used again. */
function identity(state: ProcessState): string {
  return `${state.pid}@${state.startTicks}`;
}

/**
 * Judges the process table. Being in uninterruptible sleep once is ordinary I/O; in two runs in a row it is stuck.
 * @param earlierBlocked Processes that the last run saw in uninterruptible sleep.
 */
export function judgeProcesses(
  table: ProcessTable,
  earlierBlocked: ReadonlySet<string>,
): { readonly judgement: Judgement; readonly blocked: ReadonlySet<string> } {
  const zombies = table.processes.filter((state) => state.letter === "Z" || state.letter === "X");
  const sleeping = table.processes.filter((state) => state.letter === "D");
  const stuck = sleeping.filter((state) => earlierBlocked.has(identity(state)));
  const missing = [...table.matches].filter(([, count]) => count === 0).map(([pattern]) => pattern);
  const unsure = table.unread + table.skipped;
  const findings: string[] = [];
  if (missing.length > 0) {
    const doubt = unsure > 0 ? ` (${unsure} could not be looked at)` : "";
    findings.push(`no process matches ${missing.map((text) => `"${text}"`).join(", ")}${doubt}`);
  }
  if (stuck.length > 0) findings.push(`${stuck.length} stuck in uninterruptible sleep: ${namesOf(stuck)}`);
  if (zombies.length >= manyZombies) findings.push(`${zombies.length} zombies: ${namesOf(zombies)}`);
  const action =
    missing.length > 0
      ? "Start what is missing, or correct the pattern."
      : stuck.length > 0
        ? "Find what they wait for (cat /proc/PID/stack): a hung disk, network mount or GPU driver."
        : "Restart the parent that does not collect its children.";
  return {
    blocked: new Set(sleeping.map(identity)),
    judgement: {
      state: stateOf(missing.length > 0, unsure > 0, findings.length > 0),
      reason: findings.length > 0 ? findings.join("; ") : `${table.processes.length} processes, none stuck`,
      ...(findings.length > 0 ? { action } : {}),
      details: {
        count: table.processes.length,
        skipped: table.skipped,
        unread: table.unread,
        zombies: zombies.length,
        uninterruptible: sleeping.length,
        stuck: stuck.slice(0, maxNamed).map(({ pid, name }) => ({ pid, name })),
        matches: Object.fromEntries(table.matches),
      },
      measures: measuresOf(table, zombies.length, sleeping.length, stuck.length),
    },
  };
}

function stateOf(missing: boolean, unsure: boolean, anyFinding: boolean): SignalState {
  if (missing) return unsure ? "unknown" : "unhealthy";
  return anyFinding ? "degraded" : "healthy";
}

function namesOf(states: readonly ProcessState[]): string {
  const named = states.slice(0, maxNamed).map((state) => `${clip(state.name, 40)} (${state.pid})`);
  return states.length > maxNamed ? `${named.join(", ")}, …` : named.join(", ");
}

function measuresOf(table: ProcessTable, zombies: number, sleeping: number, stuck: number): Measure[] {
  return [
    { name: "processes", value: table.processes.length },
    { name: "processes_zombie", value: zombies },
    { name: "processes_uninterruptible", value: sleeping },
    { name: "processes_stuck", value: stuck },
    ...[...table.matches].map(([pattern, value]) => ({
      name: "processes_matching",
      labels: { pattern },
      value,
    })),
  ];
}

/** Command lines as last read, by process. */
type Commands = ReadonlyMap<string, string>;

async function readTable(
  procRoot: string,
  patterns: readonly string[],
  ownPid: number,
  earlier: Commands,
  signal: AbortSignal,
): Promise<{ readonly table: ProcessTable; readonly commands: Commands }> {
  const folders = (await listKernelFolder(procRoot, signal))?.filter((name) => /^\d{1,10}$/.test(name)) ?? [];
  if (folders.length === 0) {
    throw new ProbeError(
      "PROBE_UNREADABLE",
      `${procRoot} lists no processes.`,
      "This probe needs Linux with procfs; in a container mount the host's /proc and name it as procRoot.",
    );
  }
  const processes: ProcessState[] = [];
  const commands = new Map<string, string>();
  let unread = 0;
  for (const folder of folders.slice(0, maxProcesses)) {
    const state = parseProcessState((await readKernelFile(join(procRoot, folder, "stat"), signal)) ?? "");
    if (state === null) continue;
    processes.push(state);
    // The agent's own command line may name the pattern; a zombie does no work.
    if (patterns.length === 0 || state.pid === ownPid || state.letter === "Z") continue;
    const command = await readCommand(join(procRoot, folder, "cmdline"), state, earlier, signal);
    if (command === null) unread += 1;
    else commands.set(identity(state), command);
  }
  const lines = [...commands.values()];
  const matches = new Map(
    patterns.map((pattern) => [pattern, lines.filter((line) => line.includes(pattern)).length]),
  );
  return {
    table: { processes, matches, unread, skipped: Math.max(0, folders.length - maxProcesses) },
    commands,
  };
}

/** Null when nobody can say. A process in uninterruptible sleep may hold the lock that reading it waits for. */
async function readCommand(
  path: string,
  state: ProcessState,
  earlier: Commands,
  signal: AbortSignal,
): Promise<string | null> {
  if (state.letter === "D") return earlier.get(identity(state)) ?? null;
  try {
    return ((await readKernelFile(path, signal)) ?? "").replaceAll("\0", " ");
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProbeError) return null;
    throw error;
  }
}

export function createProcessesProbe(
  procRoot: string,
  patterns: readonly string[],
  ownPid: number,
  nowSeconds: () => number,
): Probe {
  let blocked: ReadonlySet<string> = new Set();
  let commands: Commands = new Map();
  return hostProbe(
    {
      name: "processes",
      title: "Processes",
      reads: "/proc/<pid>/stat and, with patterns, /proc/<pid>/cmdline: every process",
      intervalSeconds: 60,
      timeoutSeconds: 20,
      async check(signal) {
        const read = await readTable(procRoot, patterns, ownPid, commands, signal);
        const judged = judgeProcesses(read.table, blocked);
        commands = read.commands;
        blocked = judged.blocked;
        return { judgement: judged.judgement };
      },
    },
    nowSeconds,
  );
}
