import type { EarlierRun, RunEnding, Rung } from "../core/run.ts";
import { CgroupLeaf } from "./cgroup-leaf.ts";
import { endGroup, groupMembers, signalGroup } from "./process-group.ts";
import { hasProcfs, isAlive, type ProcessStat, readStat, signalProcess } from "./process-stat.ts";
import { markerVariable, type ProcessSnapshot, type ProcessTable } from "./process-table.ts";
import { runMembers } from "./run-members.ts";

export interface ContainmentOptions {
  /** Names this run among all of the host. */
  readonly token: string;
  readonly table: ProcessTable;
  /** Whether a cgroup may be made; false does without where one could. */
  readonly useCgroup?: boolean;
  /** Processes found by other traces of the run, looked for only when nothing else is left. */
  readonly holders?: () => readonly ProcessStat[];
}

/** How long a killed process may take to vanish before it is called stuck. */
const killWaitMs = 5_000;
const firstPollMs = 5;
const longestPollMs = 200;
const firstSweepMs = 1_000;
const sweepMs = 10_000;

/**
 * All processes that one run of a daemon ever started, held by the strongest means there is: a cgroup, else a marker in their
 * environment together with what was seen of them while they lived, else the process group.
 */
export class Containment {
  readonly identity: EarlierRun;
  readonly #options: ContainmentOptions;
  /** Null where there is no procfs. */
  readonly #table: ProcessTable | null;
  readonly #pid: number;
  #leaf: CgroupLeaf | null;
  /** Its program is being put into the leaf. */
  #joining: Promise<void> = Promise.resolve();
  /** Start ticks by pid. */
  #seen = new Map<number, number>();
  /** Nothing of the run was outside the leaf once it had its first second; from then on the leaf alone tells. */
  #sealed = false;
  #sweep: NodeJS.Timeout | undefined;
  #ends = false;
  #wake: () => void = () => undefined;

  private constructor(
    main: Pick<ProcessStat, "pid" | "startTicks">,
    leaf: CgroupLeaf | null,
    options: ContainmentOptions,
  ) {
    this.#pid = main.pid;
    this.identity = { pid: main.pid, startTicks: main.startTicks, token: options.token };
    this.#leaf = leaf;
    this.#options = options;
    this.#seen.set(main.pid, main.startTicks);
    this.#table = hasProcfs ? options.table : null;
    this.#sweepIn(firstSweepMs);
  }

  get rung(): Rung {
    if (this.#table === null) return "group";
    return this.#leaf === null ? "marker" : "cgroup";
  }

  /** Around a process that was started just now with `markerEnvironment(token)`. */
  static around(pid: number, options: ContainmentOptions): Containment {
    const { useCgroup = true, token } = options;
    const leaf = useCgroup ? CgroupLeaf.make(token.replaceAll(":", "-")) : null;
    // Nothing has its start ticks once it is gone.
    const main = readStat(pid) ?? { pid, startTicks: -1 };
    const containment = new Containment(main, leaf, options);
    if (leaf !== null) containment.#joining = containment.#join(leaf, pid);
    return containment;
  }

  /** Around a run that an earlier supervisor started; its program may be gone, and others of it left. */
  static adopted(run: Pick<ProcessStat, "pid" | "startTicks">, options: ContainmentOptions): Containment {
    const leaf = CgroupLeaf.named(options.token.replaceAll(":", "-"));
    return new Containment(run, leaf ?? (isAlive(run) ? CgroupLeaf.of(run.pid) : null), options);
  }

  /** Living processes as last seen. */
  get pids(): readonly number[] {
    return this.#leaf !== null && this.#sealed ? this.#leaf.pids() : [...this.#seen.keys()];
  }

  /** The program itself has ended: whoever waits for that looks at once. */
  changed(): void {
    this.#wake();
  }

  /** `signal` and SIGCONT, since a stopped process cannot obey; the grace; SIGKILL, until nothing is left or time is up. */
  async end(signal: NodeJS.Signals, graceMs: number): Promise<RunEnding> {
    this.#ends = true;
    clearTimeout(this.#sweep);
    await this.#joining;
    const ending =
      this.rung === "group" ? await this.#endGroup(signal, graceMs) : await this.#endAll(signal, graceMs);
    if (ending.left.length === 0) this.#leaf?.remove();
    return ending;
  }

  /** SIGKILL to the leaf, the group and all that was seen, without a look at what that leaves. */
  killNow(): void {
    clearTimeout(this.#sweep);
    this.#leaf?.kill();
    signalGroup(this.#pid, "SIGKILL");
    for (const [pid, startTicks] of this.#seen) signalProcess({ pid, startTicks }, "SIGKILL");
  }

  /** What still runs of it, read at once. */
  remaining(): readonly number[] {
    if (this.rung === "group") return groupMembers(this.#pid);
    const living = [...this.#seen].filter(([pid, startTicks]) => isAlive({ pid, startTicks }));
    const left = [...new Set([...living.map(([pid]) => pid), ...(this.#leaf?.pids() ?? [])])];
    if (left.length === 0) this.#leaf?.remove();
    return left;
  }

  async #endGroup(signal: NodeJS.Signals, graceMs: number): Promise<RunEnding> {
    if (groupMembers(this.#pid).length === 0) return this.#ending([], false);
    const left = await endGroup(this.#pid, signal, graceMs);
    return this.#ending(left, signal === "SIGKILL" || left.length > 0);
  }

  async #endAll(signal: NodeJS.Signals, graceMs: number): Promise<RunEnding> {
    let members = await this.#members();
    const told = new Set<number>();
    const before = performance.now() + graceMs;
    for (let pollMs = firstPollMs; members.length > 0; pollMs = Math.min(pollMs * 2, longestPollMs)) {
      for (const member of members.filter(({ pid }) => !told.has(pid))) {
        told.add(member.pid);
        signalProcess(member, signal);
        signalProcess(member, "SIGCONT");
      }
      const leftMs = before - performance.now();
      if (leftMs <= 0) return await this.#kill(members);
      await this.#pause(Math.min(pollMs, leftMs));
      // Only when all that were told are gone is it worth looking for others.
      if (!members.some(isAlive)) members = await this.#members();
    }
    return this.#ending([], false);
  }

  async #kill(found: readonly ProcessStat[]): Promise<RunEnding> {
    let members = found;
    const before = performance.now() + killWaitMs;
    for (let pollMs = 1; members.length > 0; pollMs = Math.min(pollMs * 2, longestPollMs)) {
      this.#leaf?.kill();
      for (const member of members) signalProcess(member, "SIGKILL");
      if (performance.now() > before) break;
      await this.#pause(pollMs);
      members = await this.#members();
    }
    return this.#ending(
      members.map(({ pid }) => pid),
      true,
    );
  }

  #ending(left: readonly number[], killed: boolean): RunEnding {
    return { left, killed, rung: this.rung };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #members(): Promise<readonly ProcessStat[]> {
    if (this.#leaf !== null && this.#sealed && !this.#leaf.populated) return [];
    if (this.#table === null) return [];
    for (let again = true; ; again = false) {
      const snapshot = await this.#table.read();
      const members = this.#look(snapshot);
      if (members.length > 0) return members;
      if (!snapshot.complete && again) continue;
      try {
        return this.#lastLook();
      } catch {
        // No descriptor left to look with: it is looked again, once the table could be read.
      }
    }
  }

  #look({ entries }: ProcessSnapshot): readonly ProcessStat[] {
    const inLeaf = new Set(this.#leaf?.pids());
    for (const { pid, startTicks } of entries) if (inLeaf.has(pid)) this.#seen.set(pid, startTicks);
    const members = runMembers(entries, { token: this.#options.token, seen: this.#seen }, process.pid);
    this.#seen = new Map(members.map(({ pid, startTicks }) => [pid, startTicks]));
    return members;
  }

  #lastLook(): readonly ProcessStat[] {
    const holders = this.#options.holders?.() ?? [];
    for (const { pid, startTicks } of holders) this.#seen.set(pid, startTicks);
    return holders;
  }

  /** Who leaves the session, the parent and the environment behind is known by having been seen before. */
  #sweepIn(ms: number): void {
    const table = this.#table;
    if (table === null || this.#ends) return;
    this.#sweep = setTimeout(() => {
      void table.readWithin(ms / 2).then((snapshot) => {
        const inLeaf = new Set(this.#leaf?.pids());
        const strays = this.#look(snapshot).filter(({ pid }) => !inLeaf.has(pid));
        if (this.#leaf === null) this.#sweepIn(sweepMs);
        else if (strays.length > 0) this.#joining = this.#bringIn(this.#leaf, strays);
        else this.#sealed = true;
      });
    }, ms);
    this.#sweep.unref();
  }

  /** They were started before their parent was in the leaf. */
  async #bringIn(leaf: CgroupLeaf, strays: readonly ProcessStat[]): Promise<void> {
    // One that cannot be moved is still told by its marker.
    for (const stray of strays) if (isAlive(stray)) await leaf.add(stray.pid);
    this.#sweepIn(firstSweepMs);
  }

  async #join(leaf: CgroupLeaf, pid: number): Promise<void> {
    if (await leaf.add(pid)) return;
    leaf.remove();
    this.#leaf = null;
  }
}

/** What a run's program must find in its environment; an outer supervisor's marker stays in it. */
export function markerEnvironment(token: string): Record<string, string> {
  const outer = process.env[markerVariable];
  return { [markerVariable]: outer === undefined || outer === "" ? token : `${outer},${token}` };
}
