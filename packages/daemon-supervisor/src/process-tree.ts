// core: pure
// Who descends from whom, from the lines of /proc/PID/stat.

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks after boot; with the pid it names one process for ever. */
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly residentPages: number;
}

/** Reads one stat line; null when it is none. Fields are numbered as in proc(5). */
export function parseProcessStat(text: string): ProcessRow | null {
  // The program's name is in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  const row = {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    group: field(5),
    session: field(6),
    startTicks: field(22),
    cpuTicks: field(14) + field(15),
    residentPages: field(24),
  };
  return Object.values(row).every(Number.isFinite) ? row : null;
}

/** All processes of one moment. */
export class ProcessTree {
  readonly #byPid = new Map<number, ProcessRow>();
  readonly #children = new Map<number, ProcessRow[]>();
  readonly #groups = new Map<number, ProcessRow[]>();
  readonly #sessions = new Map<number, ProcessRow[]>();

  constructor(rows: Iterable<ProcessRow>) {
    for (const row of rows) {
      this.#byPid.set(row.pid, row);
      addTo(this.#children, row.parent, row);
      addTo(this.#groups, row.group, row);
      addTo(this.#sessions, row.session, row);
    }
  }

  get(pid: number): ProcessRow | undefined {
    return this.#byPid.get(pid);
  }

  /** The processes of a daemon: `root`, its process group and session, and all that descend from any of them. */
  treeOf(root: number): readonly ProcessRow[] {
    const found = new Map<number, ProcessRow>();
    const own = this.#byPid.get(root);
    const toVisit = [
      ...(own === undefined ? [] : [own]),
      ...(this.#groups.get(root) ?? []),
      ...(this.#sessions.get(root) ?? []),
    ];
    for (let row = toVisit.pop(); row !== undefined; row = toVisit.pop()) {
      if (found.has(row.pid)) continue;
      found.set(row.pid, row);
      toVisit.push(...(this.#children.get(row.pid) ?? []));
    }
    return [...found.values()];
  }
}

function addTo(map: Map<number, ProcessRow[]>, key: number, row: ProcessRow): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else rows.push(row);
}
