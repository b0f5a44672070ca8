import { readFileSync } from "node:fs";
import { ConfigError } from "@ringrift/config";
import { exitCodes } from "@ringrift/program";
import { errorText, RingRiftError } from "@ringrift/protocol";
import { Command, CommanderError } from "commander";
import { CommandLine, examples } from "./command-line.ts";
import { addCheck } from "./commands/check.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConfig } from "./commands/config.ts";
import { addDaemon } from "./commands/daemon.ts";
import { addDaemons } from "./commands/daemons.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEvents } from "./commands/events.ts";
import { addGpus } from "./commands/gpus.ts";
import { addLeader } from "./commands/leader.ts";
import { addLogs } from "./commands/logs.ts";
import { addMembers } from "./commands/members.ts";
import { addNode } from "./commands/node.ts";
import { addNodes } from "./commands/nodes.ts";
import { addPipeline } from "./commands/pipeline.ts";
import { addRetire, addUnretire } from "./commands/retire.ts";
import { addScan } from "./commands/scan.ts";
import { addStatus } from "./commands/status.ts";

const version = String(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);

/** In the order of the help text. */
const commands = [
  addStatus,
  addNodes,
  addNode,
  addGpus,
  addLeader,
  addMembers,
  addDaemons,
  addPipeline,
  addEvents,
  addLogs,
  addDaemon,
  addRetire,
  addUnretire,
  addCheck,
  addScan,
  addDoctor,
  addConfig,
  addCompletion,
];

const program = new Command("ringrift")
  .description("Asks RingRift Health how the cluster, its nodes and this host are.")
  .version(version, "-V, --version", "print the version")
  .addHelpText(
    "after",
    examples(
      "ringrift status",
      "ringrift nodes --server http://10.0.0.1:8790 --json",
      "ringrift leader --server https://10.0.0.1:8790 --mesh-tls-ca-file ca.pem",
      "ringrift check node gpu-7        exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
      "ringrift events --follow         what happens, as it happens",
      "ringrift logs trainer --follow   what a daemon of this host writes",
      "ringrift scan                    this host, without any server",
      "ringrift doctor                  what an agent would need here",
    ),
  )
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError("See ringrift --help.")
  .exitOverride();
const line = new CommandLine(program);
for (const add of commands) add(program, line);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
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
