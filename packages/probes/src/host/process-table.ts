// core: pure

export interface ProcessState {
  readonly pid: number;
  readonly name: string;
  /** The kernel's letter: R, S, D (uninterruptible), Z (zombie), … */
  readonly letter: string;
  /** Ticks after boot; with the pid it names one process for ever. */
  readonly startTicks: number;
}

/** One process as it was last read. */
export interface KnownProcess extends ProcessState {
  /** Runs in a row that saw it in uninterruptible sleep. */
  readonly blockedRuns: number;
  /** Its command line; null when nobody could read it. */
  readonly command: string | null;
}

/** Every process by pid. */
export type ProcessTable = ReadonlyMap<number, KnownProcess>;

/** Even a small share of many processes is bounded: 500 reads take about 5 ms. */
const slice = { share: 1 / 16, least: 4, most: 500 };

export interface ChosenProcesses {
  /** Pids whose state is read. */
  readonly chosen: readonly number[];
  /** Those of them whose turn it is, so that their command lines are read again: a process may run another program. */
  readonly part: ReadonlySet<number>;
  readonly after: number;
}

/**
 * The processes to read in this run: new ones, those that may be stuck, those that `mustRead`, and the next part of all
 * others, so that each is read once in sixteen runs. Reading one costs the kernel about 10 microseconds.
 * @param pids In ascending order.
 * @param after Where the last part ended.
 */
export function chooseProcesses(
  pids: readonly number[],
  table: ProcessTable,
  after: number,
  mustRead: (known: KnownProcess) => boolean,
): ChosenProcesses {
  const size = Math.min(slice.most, Math.max(slice.least, Math.ceil(pids.length * slice.share)));
  const from = pids.findIndex((pid) => pid > after);
  const start = from === -1 ? 0 : from;
  const turn = pids.slice(start, start + size);
  const part = new Set(turn.length < size ? [...turn, ...pids.slice(0, size - turn.length)] : turn);
  const chosen = pids.filter((pid) => {
    const known = table.get(pid);
    return known === undefined || part.has(pid) || known.letter === "D" || mustRead(known);
  });
  return { chosen, part, after: [...part].at(-1) ?? 0 };
}

/** What one read makes of what was known. A pid that is used again is another process. */
export function nextKnown(before: KnownProcess | undefined, state: ProcessState): KnownProcess {
  const same = before !== undefined && before.startTicks === state.startTicks;
  const blockedRuns = state.letter === "D" ? (same ? before.blockedRuns : 0) + 1 : 0;
  return { ...state, blockedRuns, command: same ? before.command : null };
}
