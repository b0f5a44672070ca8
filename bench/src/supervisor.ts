import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, median } from "./figure.ts";
import { missingSupervisors, otherSupervisors } from "./other-supervisors.ts";
import { OwnSupervisor, withOwn } from "./own-supervisor.ts";
import { alive, SupervisedPrograms, type Supervisor, sleepers } from "./supervised-programs.ts";
import { memory } from "./supervisor-memory.ts";
import { runsPerFigure, sleep } from "./timed.ts";

const graceSeconds = 1;
const upMs = 3_000;
const apartMs = 300;

/** What one supervisor does with a killed child, with grandchildren that left their session, and with a deaf child. */
interface Behaviour {
  readonly name: string;
  readonly version: string;
  readonly restarts: readonly number[];
  readonly grandchildrenLeft: number;
  /** From the order to stop until it is dead; null when it was never killed. */
  readonly deafSeconds: number | null;
}

/** Keeping programs alive and ending them whole, beside runit, s6, supervisord and pm2. */
export async function run(): Promise<Figure[]> {
  const behaviours: Behaviour[] = [];
  for (const make of [own, ...otherSupervisors()]) {
    const folder = mkdtempSync(join(tmpdir(), "bench-supervisor-"));
    const programs = new SupervisedPrograms(join(folder, "programs"), runsPerFigure);
    const supervisor = await make(folder, programs);
    console.error(`  ${supervisor.name}: kills, grandchildren, a deaf child`);
    try {
      behaviours.push(await behaviour(supervisor, programs));
    } finally {
      await supervisor.close();
      programs.killAll();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const [ours, ...others] = behaviours;
  if (ours === undefined) throw new Error("nothing was measured");
  return [...comparison(ours, others), ...(await crash()), ...(await memory()), ...(await cycles())];
}

async function behaviour(supervisor: Supervisor, programs: SupervisedPrograms): Promise<Behaviour> {
  const plain = programs.names.filter((name) => name.startsWith("plain"));
  for (const name of plain) {
    await supervisor.start(name);
    await programs.startAfter(name, 0);
  }
  await sleep(upMs);
  const restarts: number[] = [];
  for (const name of plain) {
    const first = await programs.startAfter(name, 0);
    const at = (performance.timeOrigin + performance.now()) / 1000;
    process.kill(first.pid, "SIGKILL");
    restarts.push((await programs.startAfter(name, 1)).at - at);
    await sleep(apartMs);
  }
  await supervisor.start("family");
  await programs.startAfter("family", 0);
  while (programs.grandchildren.length < 4) await sleep(10);
  await sleep(500);
  await supervisor.stop("family");
  await sleep(1_000);
  const grandchildrenLeft = programs.grandchildren.filter(alive).length;
  await supervisor.start("deaf");
  const { pid } = await programs.startAfter("deaf", 0);
  await sleep(500);
  const from = performance.now();
  const stopped = supervisor.stop("deaf");
  while (alive(pid) && performance.now() - from < 15_000) await sleep(2);
  const deafSeconds = alive(pid) ? null : (performance.now() - from) / 1000;
  await stopped;
  return {
    name: supervisor.name,
    version: supervisor.version,
    restarts,
    grandchildrenLeft,
    deafSeconds,
  };
}

/** Each figure of ours beside each of the others. */
function comparison(ours: Behaviour, others: readonly Behaviour[]): Figure[] {
  const figures: Figure[] = [];
  const restart = {
    name: "child_restart_seconds",
    unit: "s",
    value: median(ours.restarts),
    runs: ours.restarts,
  };
  const left = { name: "grandchildren_left", unit: "of 4", value: ours.grandchildrenLeft };
  const deaf = { name: "deaf_child_stop_seconds", unit: "s", value: ours.deafSeconds ?? Number.NaN };
  const missing = missingSupervisors();
  if (missing.length > 0)
    figures.push(...[restart, left, deaf].map((figure) => ({ ...figure, note: missing.join("; ") })));
  for (const { name, version, restarts, grandchildrenLeft, deafSeconds } of others) {
    const peer = { name, version };
    figures.push({ ...restart, peer: { ...peer, value: median(restarts) } });
    figures.push({ ...left, peer: { ...peer, value: grandchildrenLeft } });
    if (deafSeconds === null)
      figures.push({ ...deaf, note: `${name} ${version} never killed it within 15 s` });
    else figures.push({ ...deaf, peer: { ...peer, value: deafSeconds } });
  }
  return figures;
}

async function own(folder: string, programs: SupervisedPrograms): Promise<Supervisor> {
  const supervisor = new OwnSupervisor(
    join(folder, "state"),
    programs.names.map((name) => ({
      name,
      command: [programs.path(name)],
      restart: { stableSeconds: upMs / 1000 - 1 },
      stop: { graceSeconds },
    })),
  );
  // All start with the supervisor; the figures need them one by one.
  await Promise.all(programs.names.map((name) => supervisor.ask("stop", name)));
  programs.forget();
  return {
    name: "ours",
    version: "this",
    start: async (program) => void (await supervisor.ask("start", program)),
    startAll: async () => {
      for (const name of programs.names) await supervisor.ask("start", name);
    },
    stop: async (program) => void (await supervisor.ask("stop", program)),
    ownPids: () => [supervisor.pid],
    close: () => supervisor.close(),
  };
}

/** 200 daemons die in one moment. */
async function crash(): Promise<Figure[]> {
  console.error("  200 daemons crash at once");
  return await withOwn(sleepers(200, { restart: { stableSeconds: 1 } }), async (supervisor) => {
    await sleep(2_000);
    const { pids } = await supervisor.ask("usage");
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await sleep(10_000);
    const { lagP99Ms, running } = await supervisor.ask("usage");
    return [
      { name: "crash_of_200_loop_lag_p99_ms", unit: "ms", value: lagP99Ms },
      { name: "crash_of_200_restarts_per_second", unit: "1/s", value: running / 10 },
    ];
  });
}

/** Starts and stops, by twenty daemons at a time; growth from the first thousand on. */
async function cycles(): Promise<Figure[]> {
  console.error("  10,000 starts and stops");
  return await withOwn(sleepers(20), async (supervisor) => {
    const round = async (each: number): Promise<void> => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => supervisor.ask("cycle", `d${i}`, each)));
    };
    await round(50);
    const before = await supervisor.ask("usage");
    await round(450);
    const after = await supervisor.ask("usage");
    return [
      { name: "cycles_10000_descriptors_growth", unit: "", value: after.descriptors - before.descriptors },
      { name: "cycles_10000_listeners_growth", unit: "", value: after.listeners - before.listeners },
      {
        name: "cycles_10000_heap_growth_mb",
        unit: "MB",
        value: (after.heapBytes - before.heapBytes) / 2 ** 20,
      },
      { name: "cycles_10000_zombies", unit: "", value: zombiesOf(supervisor.pid) },
    ];
  });
}

function zombiesOf(parent: number): number {
  return readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "latin1");
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" && Number(ppid) === parent;
    } catch {
      return false;
    }
  }).length;
}
