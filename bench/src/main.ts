import { type Figure, jsonLine, table } from "./figure.ts";

/** One benchmark: measures, tells of its progress on stderr, and returns its figures. */
interface Benchmark {
  readonly measures: string;
  readonly load: () => Promise<{ readonly run: () => Promise<Figure[]> }>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  probes: {
    measures: "a sample of the host, and an idle and a busy agent, beside node_exporter",
    load: () => import("./probes.ts"),
  },
  detect: {
    measures: "a killed or frozen agent until every other member knows, beside serf",
    load: () => import("./detect.ts"),
  },
  failover: {
    measures: "a killed, frozen or stopped leader until a majority names the next, beside etcd",
    load: () => import("./failover.ts"),
  },
  scale: {
    measures: "what 5,000 agents cost one server",
    load: () => import("./scale.ts"),
  },
  reconnect: {
    measures: "1,000 agents that lose every link at once until all are back",
    load: () => import("./reconnect.ts"),
  },
  supervisor: {
    measures: "daemons kept alive and ended whole, beside runit, s6, supervisord and pm2",
    load: () => import("./supervisor.ts"),
  },
};

const names = Object.keys(benchmarks);
const usage = `Usage: pnpm bench [NAME...]

Measures and prints a table, then one line of JSON per figure. Without a name, all of them:
${names.map((name) => `  ${name.padEnd(12)}${benchmarks[name]?.measures}`).join("\n")}

Close other programs first: a busy machine shows in every figure.`;

const wanted = process.argv.slice(2).filter((argument) => argument !== "--");
if (wanted.includes("--help") || wanted.includes("-h")) {
  console.log(usage);
  process.exit(0);
}
const unknown = wanted.find((name) => benchmarks[name] === undefined);
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}".\n\n${usage}`);
  process.exit(64);
}
for (const name of wanted.length > 0 ? wanted : names) {
  const benchmark = benchmarks[name];
  if (benchmark === undefined) continue;
  console.error(`${name}: ${benchmark.measures}`);
  const figures = await (await benchmark.load()).run();
  console.log(`${table(figures)}\n${figures.map(jsonLine).join("\n")}`);
}
