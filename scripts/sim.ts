import { parseArgs } from "node:util";
import { explainFailure, simulate } from "../packages/mesh/src/sim/simulation.ts";

const usage = `Usage: pnpm sim [--seeds N] [--nodes M] [--from S]

Runs seeded schedules of crashes, pauses, partitions and bad networks over the election and checks its invariants.
  --seeds N   how many schedules, default 1000
  --nodes M   voters, 1 to 7; default 3 and 5 in turn
  --from S    first seed, default 1`;

function count(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  console.error(`--${name} must be a whole number from ${low} to ${high}, not "${text}".\n\n${usage}`);
  process.exit(64);
}

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    seeds: { type: "string", default: "1000" },
    nodes: { type: "string" },
    from: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const seeds = count("seeds", values.seeds, 1, 100_000_000);
const from = count("from", values.from, 0, 4_294_967_295);
const nodes = values.nodes === undefined ? null : count("nodes", values.nodes, 1, 7);

const startedAt = performance.now();
const seconds = (): string => ((performance.now() - startedAt) / 1_000).toFixed(1);
let steps = 0;
let elections = 0;
let slowestHealMs = 0;
for (let done = 0; done < seeds; done += 1) {
  const seed = from + done;
  const options = { seed, nodes: nodes ?? (seed % 2 === 0 ? 5 : 3) };
  const result = simulate(options);
  if (result.failure !== null) {
    console.error(explainFailure(options));
    process.exit(1);
  }
  steps += result.steps;
  elections += result.elections;
  slowestHealMs = Math.max(slowestHealMs, result.healedMs ?? 0);
  if ((done + 1) % 1_000 === 0)
    console.log(`${done + 1} schedules, ${elections} elections, ${steps} steps, ${seconds()} s`);
}
console.log(
  `${seeds} schedules from seed ${from} hold: ${elections} elections, ${steps} steps, ` +
    `slowest return to one leader ${slowestHealMs.toFixed(0)} ms, ${seconds()} s.`,
);
