import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, median } from "./figure.ts";
import { missingSupervisors, otherSupervisors } from "./other-supervisors.ts";
import { withOwn } from "./own-supervisor.ts";
import { SupervisedPrograms, sleepers } from "./supervised-programs.ts";
import { sleep } from "./timed.ts";

/** After this long a supervisor has settled: its start is not its use. */
const settleMs = 6_000;
const counts = [10, 100] as const;
const ownRuns = 3;

/** What keeping 10 and 100 programs costs: ours above the same process without any, of the others all that they are. */
export async function memory(): Promise<Figure[]> {
  const idle = median(await own(0));
  const figures: Figure[] = [];
  for (const count of counts) {
    console.error(`  memory for ${count} daemons`);
    const runs = (await own(count)).map((megabytes) => megabytes - idle);
    const figure = { name: `supervised_${count}_memory_mb`, unit: "MB", value: median(runs), runs };
    const note = [`above ${Math.round(idle)} MB`, ...missingSupervisors()].join("; ");
    figures.push({ ...figure, note });
    for (const make of otherSupervisors()) figures.push({ ...figure, peer: await other(make, count) });
  }
  return figures;
}

/** Several times, since how much of itself a process shares varies from one to the next. */
async function own(count: number): Promise<number[]> {
  const megabytes: number[] = [];
  for (let run = 0; run < ownRuns; run += 1) {
    const used = await withOwn(sleepers(count), async (supervisor) => {
      await sleep(settleMs);
      // Collects its garbage.
      await supervisor.ask("usage");
      await sleep(1_000);
      return proportionalMegabytes(supervisor.pid);
    });
    megabytes.push(used);
  }
  return megabytes;
}

async function other(
  make: ReturnType<typeof otherSupervisors>[number],
  count: number,
): Promise<NonNullable<Figure["peer"]>> {
  const folder = mkdtempSync(join(tmpdir(), "bench-supervisor-"));
  const programs = new SupervisedPrograms(join(folder, "programs"), count, { plainOnly: true });
  const supervisor = await make(folder, programs);
  try {
    await supervisor.startAll();
    for (const name of programs.names) await programs.startAfter(name, 0);
    await sleep(settleMs);
    const value = supervisor.ownPids().reduce((sum, pid) => sum + proportionalMegabytes(pid), 0);
    return { name: supervisor.name, version: supervisor.version, value };
  } finally {
    await supervisor.close();
    programs.killAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Proportional set size: memory shared with other processes counts by its share. */
function proportionalMegabytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
