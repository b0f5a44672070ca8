import { join } from "node:path";
import type { SignalState } from "@ringrift/protocol";
import { clip, type Judgement, type Measure } from "../judgement.ts";
import { listKernelFolder, readKernelRecord, readWaitingFile } from "../kernel-file.ts";
import type { Probe } from "../probe.ts";
import { ProbeError } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import {
  chooseProcesses,
  type KnownProcess,
  nextKnown,
  type ProcessState,
  type ProcessTable,
} from "./process-table.ts";

const manyZombies = 50;
const maxProcesses = 20_000;
const maxNamed = 5;

// pid (name) state, 18 fields that do not matter here, start time. The name may hold blanks and brackets.
const statLine = /^(\d{1,10}) \((.*)\) ([A-Za-z]) (?:-?\d+ ){18}(\d{1,19}) /s;

/** One /proc/<pid>/stat; null when the text is none. */
export function parseProcessState(text: string): ProcessState | null {
  const [, pid, name, letter, startTicks] = statLine.exec(text) ?? [];
  if (pid === undefined || name === undefined || letter === undefined) return null;
  return { pid: Number(pid), name, letter, startTicks: Number(startTicks) };
}

/**
 * Judges the process table. Being in uninterruptible sleep once is ordinary I/O; in two runs in a row it is stuck.
 * @param skipped Processes beyond the bound, which were not looked at.
 */
export function judgeProcesses(table: ProcessTable, patterns: readonly string[], skipped = 0): Judgement {
  const processes = [...table.values()];
  const zombies = processes.filter((known) => known.letter === "Z" || known.letter === "X");
  const sleeping = processes.filter((known) => known.letter === "D");
  const stuck = sleeping.filter((known) => known.blockedRuns > 1);
  const matches = new Map(patterns.map((pattern) => [pattern, matching(processes, pattern)]));
  const missing = patterns.filter((pattern) => matches.get(pattern) === 0);
  const unread = patterns.length === 0 ? 0 : processes.filter(isUnread).length;
  const unsure = unread + skipped;
  const findings: string[] = [];
  if (missing.length > 0) {
    const doubt = unsure > 0 ? ` (${unsure} could not be looked at)` : "";
    findings.push(`no process matches ${missing.map((text) => `"${text}"`).join(", ")}${doubt}`);
  }
  if (stuck.length > 0) findings.push(`${stuck.length} stuck in uninterruptible sleep: ${namesOf(stuck)}`);
  if (zombies.length >= manyZombies) findings.push(`${zombies.length} zombies: ${namesOf(zombies)}`);
  return {
    state: stateOf(missing.length > 0, unsure > 0, findings.length > 0),
    reason: findings.length > 0 ? findings.join("; ") : `${processes.length} processes, none stuck`,
    ...(findings.length > 0 ? { action: actionFor(missing.length > 0, stuck.length > 0) } : {}),
    details: {
      count: processes.length,
      skipped,
      unread,
      zombies: zombies.length,
      uninterruptible: sleeping.length,
      stuck: stuck.slice(0, maxNamed).map(({ pid, name }) => ({ pid, name })),
      matches: Object.fromEntries(matches),
    },
    measures: measuresOf(processes.length, matches, zombies.length, sleeping.length, stuck.length),
  };
}

/** How many command lines hold the pattern; a zombie does no work. */
function matching(processes: readonly KnownProcess[], pattern: string): number {
  return processes.filter(({ letter, command }) => letter !== "Z" && command?.includes(pattern)).length;
}

/** A process whose command line nobody could read may be what a pattern looks for. */
function isUnread({ letter, command }: KnownProcess): boolean {
  return command === null && letter !== "Z";
}

function stateOf(missing: boolean, unsure: boolean, anyFinding: boolean): SignalState {
  if (missing) return unsure ? "unknown" : "unhealthy";
  return anyFinding ? "degraded" : "healthy";
}

function actionFor(missing: boolean, stuck: boolean): string {
  if (missing) return "Start what is missing, or correct the pattern.";
  if (stuck)
    return "Find what they wait for (cat /proc/PID/stack): a hung disk, network mount or GPU driver.";
  return "Restart the parent that does not collect its children.";
}

function namesOf(processes: readonly KnownProcess[]): string {
  const named = processes.slice(0, maxNamed).map(({ name, pid }) => `${clip(name, 40)} (${pid})`);
  return processes.length > maxNamed ? `${named.join(", ")}, …` : named.join(", ");
}

function measuresOf(
  count: number,
  matches: ReadonlyMap<string, number>,
  zombies: number,
  sleeping: number,
  stuck: number,
): Measure[] {
  return [
    { name: "processes", value: count },
    { name: "processes_zombie", value: zombies },
    { name: "processes_uninterruptible", value: sleeping },
    { name: "processes_stuck", value: stuck },
    ...[...matches].map(([pattern, value]) => ({ name: "processes_matching", labels: { pattern }, value })),
  ];
}

async function listPids(procRoot: string, signal: AbortSignal): Promise<number[]> {
  const names = (await listKernelFolder(procRoot, signal)) ?? [];
  // Names come in the alphabet's order; numbers are sorted without a call for each pair.
  const pids = Float64Array.from(names, Number).filter(Number.isInteger).sort();
  if (pids.length > 0) return [...pids];
  throw new ProbeError(
    "PROBE_UNREADABLE",
    `${procRoot} lists no processes.`,
    "This probe needs Linux with procfs; in a container mount the host's /proc and name it as procRoot.",
  );
}

/** Null when nobody can say. A process in uninterruptible sleep may hold the lock that reading it waits for. */
async function readCommand(
  procRoot: string,
  known: KnownProcess,
  signal: AbortSignal,
): Promise<string | null> {
  if (known.letter === "D" || known.letter === "Z") return known.command;
  try {
    const text = await readWaitingFile(join(procRoot, `${known.pid}/cmdline`), signal);
    return (text ?? "").replaceAll("\0", " ");
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
  let table: ProcessTable = new Map();
  let after = 0;
  const matchesAny = ({ command }: KnownProcess): boolean =>
    command !== null && patterns.some((pattern) => command.includes(pattern));

  async function withCommand(
    known: KnownProcess,
    again: boolean,
    signal: AbortSignal,
  ): Promise<KnownProcess> {
    // The agent's own command line may name the pattern.
    if (known.pid === ownPid) return { ...known, command: "" };
    if (known.command !== null && !again) return known;
    return { ...known, command: await readCommand(procRoot, known, signal) };
  }

  async function readTable(pids: readonly number[], signal: AbortSignal): Promise<ProcessTable> {
    const chosen = chooseProcesses(pids, table, after, matchesAny);
    const next = new Map<number, KnownProcess>();
    const fresh = new Set(chosen.chosen);
    for (const pid of pids) {
      const before = table.get(pid);
      if (!fresh.has(pid)) {
        if (before !== undefined) next.set(pid, before);
        continue;
      }
      const state = parseProcessState(readKernelRecord(`${procRoot}/${pid}/stat`) ?? "");
      if (state === null) continue;
      const known = nextKnown(before, state);
      next.set(pid, patterns.length === 0 ? known : await withCommand(known, chosen.part.has(pid), signal));
    }
    after = chosen.after;
    return next;
  }

  return hostProbe(
    {
      name: "processes",
      title: "Processes",
      reads:
        "/proc/<pid>/stat and, with patterns, /proc/<pid>/cmdline: new and suspect processes, others in turn",
      intervalSeconds: 15,
      timeoutSeconds: 20,
      rules: [
        {
          state: "unhealthy",
          when: "no process holds an expected part in its command line (RINGRIFT_PROCESS_PATTERNS)",
          advice: "Start what is missing, or correct the pattern.",
        },
        {
          state: "unknown",
          when: "an expected process is missing, and some command lines could not be read",
          advice: "Run the agent as root, or look for processes in state D.",
        },
        {
          state: "degraded",
          when: "a process is in uninterruptible sleep in two runs in a row",
          advice: "Find what it waits for (cat /proc/PID/stack): a hung disk, network mount or GPU driver.",
        },
        {
          state: "degraded",
          when: `${manyZombies} zombies or more`,
          advice: "Restart the parent that does not collect its children.",
        },
      ],
      cost: "2 microseconds a process, and 10 for each that is read: new and blocked ones, a sixteenth of the others",
      async check(signal) {
        const pids = await listPids(procRoot, signal);
        table = await readTable(pids.slice(0, maxProcesses), signal);
        return { judgement: judgeProcesses(table, patterns, Math.max(0, pids.length - maxProcesses)) };
      },
    },
    nowSeconds,
  );
}
