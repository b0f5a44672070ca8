import { fork } from "node:child_process";
import { parseArgs } from "node:util";
import { runDay } from "../packages/mesh/src/sim/day.ts";
import { type Departure, failoverMs } from "../packages/mesh/src/sim/failover.ts";
import { huntMutants } from "../packages/mesh/src/sim/hunt-mutants.ts";
import { mutants } from "../packages/mesh/src/sim/mutants.ts";
import { termsWithRoom } from "../packages/mesh/src/sim/search/mail.ts";
import { search } from "../packages/mesh/src/sim/search/search.ts";
import { explainFailure, simulate } from "../packages/mesh/src/sim/simulation.ts";

const usage = `Usage: pnpm sim [--seeds N] [--nodes M] [--from S] [--jobs J]
       pnpm sim --mutants [--seeds N]
       pnpm sim --exhaustive [--terms T] [--nodes M]
       pnpm sim --failover [--seeds N]
       pnpm sim --detection [--hours H] [--agents N] [--from S]

Runs seeded schedules of crashes, pauses, partitions and bad networks over the election and checks its invariants.
  --seeds N   how many schedules, default 1000
  --nodes M   voters, 1 to 7; default 3, 4 and 5 in turn
  --from S    first seed, default 1
  --jobs J    in so many processes, default 1
  --mutants   puts one bug after another into the cores and shows which schedule of each size catches it
  --exhaustive  follows every order of events among 2 to 5 voters, default 3: loss, duplication, reordering, crashes,
              restarts, time-outs, hand-overs, and whatever message that binds nobody
  --terms T   as far as term T, default 3; with more voters than 3 at most 2
  --failover  from a leader's end to the next, in virtual time
  --detection a day of restarts, stops of 4 s, 10 min of 20 % loss and stuck servers: nobody who lives may be declared down
  --hours H   of the day, default 24
  --agents N  that three servers watch, default 1000`;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    seeds: { type: "string", default: "1000" },
    nodes: { type: "string" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
    mutants: { type: "boolean", default: false },
    exhaustive: { type: "boolean", default: false },
    terms: { type: "string", default: "3" },
    failover: { type: "boolean", default: false },
    detection: { type: "boolean", default: false },
    hours: { type: "string", default: "24" },
    agents: { type: "string", default: "1000" },
    help: { type: "boolean", default: false },
  },
});
const nothing: Totals = { elections: 0, steps: 0, commands: 0, slowestHealMs: 0 };
const startedAt = performance.now();
const seeds = count("seeds", values.seeds, 1, 100_000_000);
if (values.help) console.log(usage);
else if (values.mutants) await hunt();
else if (values.exhaustive) exhaustive();
else if (values.detection) detection();
else if (values.failover) failover();
else await schedules();

function count(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  console.error(`--${name} must be a whole number from ${low} to ${high}, not "${text}".\n\n${usage}`);
  process.exit(64);
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(1);
}

interface Totals {
  readonly elections: number;
  readonly steps: number;
  readonly commands: number;
  readonly slowestHealMs: number;
}

function sum(a: Totals, b: Totals): Totals {
  return {
    elections: a.elections + b.elections,
    steps: a.steps + b.steps,
    commands: a.commands + b.commands,
    slowestHealMs: Math.max(a.slowestHealMs, b.slowestHealMs),
  };
}

function told({ elections, steps, commands }: Totals): string {
  return `${elections} elections, ${steps} packets, ${commands} commands`;
}

async function schedules(): Promise<void> {
  const from = count("from", values.from, 0, 4_294_967_295);
  const jobs = Math.min(seeds, count("jobs", values.jobs, 1, 64));
  const totals = jobs === 1 ? range(from) : await shared(from, jobs);
  // A share of the schedules hands its totals to the process that began it.
  if (process.send !== undefined) {
    process.send(totals);
    return;
  }
  const healed = `slowest return to one leader ${totals.slowestHealMs.toFixed(0)} ms`;
  console.log(`${seeds} schedules from seed ${from} hold: ${told(totals)}, ${healed}, ${seconds()} s.`);
}

function range(from: number): Totals {
  const nodes = values.nodes === undefined ? null : count("nodes", values.nodes, 1, 7);
  let totals = nothing;
  for (let done = 0; done < seeds; done += 1) {
    const seed = from + done;
    const options = { seed, nodes: nodes ?? 3 + (seed % 3) };
    const result = simulate(options);
    if (result.failure !== null) {
      console.error(explainFailure(options));
      process.exit(1);
    }
    totals = sum(totals, { ...result, slowestHealMs: result.healedMs ?? 0 });
    if ((done + 1) % 1_000 === 0)
      console.log(`${done + 1} schedules from seed ${from}, ${told(totals)}, ${seconds()} s`);
  }
  return totals;
}

/** The same in so many processes, each with a part of the seeds. */
async function shared(from: number, jobs: number): Promise<Totals> {
  const sizes = Array.from({ length: jobs }, (_, job) => Math.floor((seeds + job) / jobs));
  const nodes = values.nodes === undefined ? [] : ["--nodes", values.nodes];
  let next = from;
  const parts = sizes.map((size) => {
    const child = fork(import.meta.filename, ["--from", `${next}`, "--seeds", `${size}`, ...nodes]);
    next += size;
    return new Promise<Totals>((resolve) => {
      child.once("message", (totals) => resolve(totals as Totals));
      child.once("exit", (code) => {
        if (code !== 0) process.exit(1);
      });
    });
  });
  return (await Promise.all(parts)).reduce(sum, nothing);
}

async function hunt(): Promise<void> {
  const hunts = await huntMutants(seeds, true, ({ mutant, hunter, caught }) => {
    const how = caught === null ? `NOT CAUGHT by ${hunter}` : `${caught.by}: ${caught.invariant}`;
    console.log(`${mutant.padEnd(66)} ${how}`);
  });
  const missed = new Set(hunts.filter((each) => each.caught === null).map(({ mutant }) => mutant));
  const caught = mutants.length - missed.size;
  const searched = mutants.filter((mutant) => mutant.search !== undefined).length;
  console.log(
    `${caught} of ${mutants.length} bugs caught by each that must see them, ` +
      `${searched} of them by the search of every order, in ${seconds()} s.`,
  );
  if (missed.size > 0) process.exitCode = 1;
}

function exhaustive(): void {
  const nodes = count("nodes", values.nodes ?? "3", 2, 5);
  const maxTerm = count("terms", values.terms, 1, Math.min(4, termsWithRoom(nodes)));
  const result = search({ nodes, maxTerm }, ({ visits, open }) =>
    console.log(`${visits} states visited, ${open} open, ${seconds()} s`),
  );
  const { visits, moves, snapshots, situations, violation } = result;
  if (violation !== null) {
    console.error([violation.rule, ...violation.trace].join("\n"));
    process.exit(1);
  }
  console.log(
    `${nodes} voters to term ${maxTerm} hold: ${visits} states (all of them), ${moves} moves, ` +
      `${situations} situations and ${snapshots} snapshots of single voters, ${seconds()} s. No bound but the term: any number ` +
      "of restarts, crashes and time-outs, messages lost, repeated and in any order, polls and refusals invented.",
  );
}

function detection(): void {
  const hours = count("hours", values.hours, 1, 1_000);
  const agents = count("agents", values.agents, 1, 20_000);
  const seed = count("from", values.from, 0, 4_294_967_295);
  const day = runDay({ seed, agents, servers: 3, hours }, (hour) =>
    console.log(`hour ${hour}, ${seconds()} s`),
  );
  const { detectionsMs: found, watchedSeconds, violation } = day;
  const at = (share: number): string =>
    (found[Math.floor((found.length - 1) * share)] ?? Number.NaN).toFixed(0);
  console.log(
    `${hours} h, ${agents} agents, 3 servers, seed ${seed}: ${day.pauses} stops of 4 s, ${day.crashes} crashes, ` +
      `${day.leaves} leaves, ${day.restarts} restarts, ${day.stalls} stuck servers; ` +
      `${(watchedSeconds / 3_600).toFixed(1)} h were not quiet and simulated in full.\n` +
      `${day.liveDeclaredDown} live members declared down. Crash to down on every server: ` +
      `median ${at(0.5)} ms, p99 ${at(0.99)} ms (${found.length}). ${seconds()} s.`,
  );
  if (violation === null) return;
  console.error(violation);
  process.exit(1);
}

function failover(): void {
  const departures: readonly Departure[] = ["killed", "frozen", "asked to stop"];
  for (const nodes of [3, 5]) {
    for (const departure of departures) {
      const times = Array.from({ length: seeds }, (_, seed) => failoverMs({ seed, nodes, departure }));
      times.sort((a, b) => a - b);
      const at = (share: number): string => (times[Math.floor((seeds - 1) * share)] ?? Number.NaN).toFixed(0);
      console.log(
        `leader of ${nodes} ${departure}: a majority names one new leader after ${at(0.5)} ms (median), ` +
          `${at(0.99)} ms (p99), ${at(1)} ms (worst of ${seeds})`,
      );
    }
  }
}
