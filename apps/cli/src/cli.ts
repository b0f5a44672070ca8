import { readFileSync } from "node:fs";
import { ConfigError, loadConfig, printConfig, printConfigJson } from "@ringrift/config";
import { exitCodes } from "@ringrift/program";
import { errorText, gpuListSchema, RingRiftError } from "@ringrift/protocol";
import { Command, CommanderError, Option } from "commander";
import { type ClientOptions, getJson, getStatus } from "./client.ts";
import { addDaemonVerbs } from "./daemon-verbs.ts";
import { followEvents } from "./event-follow.ts";
import { gpusScreen } from "./gpus-screen.ts";
import { httpClient } from "./http-client.ts";
import { leaderScreen, membersScreen } from "./mesh-screens.ts";
import { nodeScreen } from "./node-screen.ts";
import { checkCluster, checkNode, type PluginAnswer, scanExitCode } from "./plugin-check.ts";
import { scanScreen } from "./scan-screen.ts";
import { daemonsTable, eventLine, eventLines, nodesTable, statusScreen } from "./screens.ts";

interface Options {
  readonly server: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly config?: string;
  readonly meshTlsCaFile?: string;
  readonly meshTlsCertFile?: string;
  readonly meshTlsKeyFile?: string;
}

const version = String(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
const examples = `
Examples:
  $ ringrift status
  $ ringrift nodes --server http://10.0.0.1:8790 --json
  $ ringrift leader --server https://10.0.0.1:8790 --mesh-tls-ca-file ca.pem
  $ ringrift check node gpu-7        exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
  $ ringrift events --follow         what happens, as it happens
  $ ringrift logs trainer --follow   what a daemon of this host writes
  $ ringrift scan                    this host, without any server`;

const program = new Command("ringrift")
  .description("Asks RingRift Health how the cluster, its nodes and this host are.")
  .version(version, "-V, --version", "print the version")
  .addHelpText("after", examples)
  .showHelpAfterError("See ringrift --help.")
  .addOption(
    new Option("--server <url>", "health-server or node-agent to ask").default("http://127.0.0.1:8790"),
  )
  .addOption(new Option("--timeout <seconds>", "longest wait for an answer").default(5).argParser(seconds))
  .option("--json", "print JSON with its schema's name")
  .option("--config <file>", "YAML file with settings, for scan and config, and of the three below")
  .option(
    "--mesh-tls-ca-file <file>",
    "authority of the servers' certificates, PEM; no other is trusted then",
  )
  .option("--mesh-tls-cert-file <file>", "certificate to show to a server that asks for one, PEM")
  .option("--mesh-tls-key-file <file>", "key of that certificate, PEM")
  .exitOverride();

reading("status", "score, leader, quorum, nodes and daemons on one screen", async (client) => {
  const status = await getStatus(client);
  return { json: status, screen: statusScreen(status) };
});
reading("nodes", "every node with its link, state and reasons", async (client) => {
  const { nodes, timestamp } = await getStatus(client);
  return { json: { schema: "ringrift.nodes/1", nodes, timestamp }, screen: nodesTable(nodes) };
});
reading("gpus", "every GPU with its values and its last error", async (client) => {
  const list = gpuListSchema.parse(await getJson("/v1/gpus", client));
  return { json: list, screen: gpusScreen(list) };
});
reading("leader", "leader, epoch, lease, quorum, voters, links and refusals", async (client) => {
  const status = await getStatus(client);
  const { leaderId, epoch, elector, quorum, ageSeconds, mesh } = status.cluster;
  return {
    json: { schema: "ringrift.leader/1", leaderId, epoch, elector, quorum, ageSeconds, mesh },
    screen: leaderScreen(status),
  };
});
reading(
  "members",
  "every member of the mesh: its link, who misses it and why, and who was refused",
  async (client) => {
    const answer = await getJson("/v1/members", client);
    return { json: answer, screen: membersScreen(answer) };
  },
);
reading("daemons", "every supervised daemon", async (client) => {
  const status = await getStatus(client);
  return { json: { schema: "ringrift.daemons/1", daemons: status.daemons }, screen: daemonsTable(status) };
});
reading("pipeline", "may the pipeline run, and how old are its stages", async (client) => {
  const { pipeline } = await getStatus(client);
  const lines = [
    `pipeline ${pipeline.state}`,
    ...pipeline.reasons,
    ...pipeline.stages.map((stage) => `${stage.stage} on ${stage.node}: ${stage.state} ${stage.reason}`),
  ];
  return { json: { schema: "ringrift.pipeline/1", ...pipeline }, screen: lines.join("\n") };
});
program
  .command("events")
  .description("what happened, oldest first")
  .option("--follow", "and what happens, until Ctrl-C; --json prints a CloudEvent a line")
  .action(async ({ follow }: { follow?: boolean }) => {
    if (follow === true) return followUntilInterrupted();
    const page = await getJson("/v1/events", client());
    print({ json: page, screen: eventLines(page) });
  });

addDaemonVerbs(program, {
  // These verbs are the agent's: a health-server has no daemons.
  agent: (token) => {
    const isDefault = program.getOptionValueSource("server") === "default";
    return { ...client(), ...(isDefault ? { server: "http://127.0.0.1:8791" } : {}), token };
  },
  print,
  asJson: () => options().json === true,
  interrupted,
});

program
  .command("node <id>")
  .description("one node with its checks")
  .action(async (id: string) => {
    const answer = await getJson(`/v1/nodes/${encodeURIComponent(id)}`, client());
    print({ json: answer, screen: nodeScreen(answer) });
  });

const check = program
  .command("check")
  .description("one line and an exit code, as monitoring systems read them");
check
  .command("cluster", { isDefault: true })
  .description("the whole cluster")
  .action(async () => finish(await pluginAnswer(async () => checkCluster(await getStatus(client())))));
check
  .command("node <id>")
  .description("one node")
  .action(async (id: string) =>
    finish(
      await pluginAnswer(
        async () => checkNode(await getStatus(client()), id) ?? unknownAnswer(`node ${id} is not known`),
      ),
    ),
  );

program
  .command("scan")
  .description("probe this host once, without any server; exit code as check")
  .action(async () => {
    const { config: file } = options();
    const config = loadConfig("cli", { flags: { config: file }, env: process.env });
    // Only this verb needs the probes and what names the machine, and they take a while to load.
    const { scanHost } = await import("./scan.ts");
    const scan = await scanHost(config);
    const exitCode = scanExitCode(scan.checks.map((report) => report.state));
    print({
      json: { schema: "ringrift.scan/1", ...scan, exitCode },
      screen: scanScreen(scan),
    });
    process.exitCode = exitCode;
  });

const config = program.command("config").description("show or check the configuration");
config
  .command("print")
  .description("each value with where it came from, secrets masked")
  .action(() => {
    const loaded = loadConfig("cli", { flags: { config: options().config }, env: process.env });
    process.stdout.write(options().json === true ? printConfigJson(loaded) : printConfig(loaded));
  });
config
  .command("check")
  .description("exit 0 or 78")
  .action(() => {
    loadConfig("cli", { flags: { config: options().config }, env: process.env });
    process.stdout.write("The configuration is good.\n");
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

interface Answer {
  readonly json: unknown;
  readonly screen: string;
}

function reading(name: string, description: string, read: (client: ClientOptions) => Promise<Answer>): void {
  program
    .command(name)
    .description(description)
    .action(async () => print(await read(client())));
}

function options(): Options {
  return program.opts<Options>();
}

function client(): ClientOptions {
  const { server, timeout } = options();
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new CommanderError(
      exitCodes.usage,
      "server",
      `--server is "${server}"; an http:// or https:// address is accepted.`,
    );
  const { config: file, meshTlsCaFile, meshTlsCertFile, meshTlsKeyFile } = options();
  const http = httpClient({
    config: file,
    "mesh-tls-ca-file": meshTlsCaFile,
    "mesh-tls-cert-file": meshTlsCertFile,
    "mesh-tls-key-file": meshTlsKeyFile,
  });
  return { server, timeoutMs: timeout * 1000, http };
}

async function followUntilInterrupted(): Promise<void> {
  const asJson = options().json === true;
  await followEvents(
    client(),
    {
      onEvent: ({ seq, name, cloudEvent }) => {
        const { time, data } = cloudEvent;
        const line = asJson
          ? JSON.stringify(cloudEvent)
          : eventLine({ seq, name, time: new Date(time), data });
        process.stdout.write(`${line}\n`);
      },
      onNotice: (text) => process.stderr.write(`${text}\n`),
    },
    interrupted(),
  );
}

/** Aborts when a person or the system ends the command. */
function interrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());
  return interrupt.signal;
}

function print({ json, screen }: Answer): void {
  process.stdout.write(options().json === true ? `${JSON.stringify(json, null, 2)}\n` : `${screen}\n`);
}

function finish({ exitCode, line }: PluginAnswer): void {
  process.stdout.write(`${line}\n`);
  process.exitCode = exitCode;
}

/** A plugin that cannot ask says UNKNOWN instead of an error: its exit codes have no other word for it. */
async function pluginAnswer(ask: () => Promise<PluginAnswer>): Promise<PluginAnswer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    return unknownAnswer(errorText(error));
  }
}

function unknownAnswer(text: string): PluginAnswer {
  return { exitCode: 3, line: `RINGRIFT UNKNOWN - ${text.replaceAll("|", "/")}` };
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 3600) return value;
  throw new CommanderError(
    exitCodes.usage,
    "timeout",
    `--timeout is "${text}"; seconds above 0 up to 3600 are accepted.`,
  );
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has written its own errors already; ours carry the usage code and are written here.
    if (error.exitCode === exitCodes.usage) process.stderr.write(`${error.message}\n`);
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  const nextStep =
    error instanceof RingRiftError && error.nextStep !== undefined ? `\n${error.nextStep}` : "";
  process.stderr.write(`${error instanceof RingRiftError ? error.message : errorText(error)}${nextStep}\n`);
  if (error instanceof ConfigError) return exitCodes.configuration;
  if (
    error instanceof RingRiftError &&
    ["TOKEN_FILE_UNREADABLE", "BAD_TLS", "CHECKS_INVALID"].includes(error.code)
  )
    return exitCodes.configuration;
  if (!(error instanceof RingRiftError)) return exitCodes.failed;
  if (error.code === "SERVER_UNREACHABLE") return exitCodes.unreachable;
  return error.code === "SERVER_DENIED" ? exitCodes.denied : exitCodes.failed;
}
