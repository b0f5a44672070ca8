import { errorText } from "@ringrift/protocol";
import { type Command, CommanderError } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { checkCluster, checkNode, type PluginAnswer } from "../plugin-check.ts";

export function addCheck(program: Command, line: CommandLine): void {
  const check = program
    .command("check")
    .description("one line and an exit code, as monitoring systems read them")
    .addHelpText(
      "after",
      examples(
        "ringrift check --server http://10.0.0.1:8790",
        "ringrift check node gpu-7   exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
      ),
    );
  check
    .command("cluster", { isDefault: true })
    .description("the whole cluster")
    .action(async () => finish(async () => checkCluster(await getStatus(line.server()))));
  check
    .command("node <id>")
    .description("one node")
    .action(async (id: string) =>
      finish(async () => checkNode(await getStatus(line.server()), id) ?? unknown(`node ${id} is not known`)),
    );
}

/** A plugin that cannot ask says UNKNOWN instead of an error: its exit codes have no other word for it. */
async function finish(ask: () => Promise<PluginAnswer>): Promise<void> {
  const answer = await ask().catch((error: unknown) => {
    if (error instanceof CommanderError) throw error;
    return unknown(errorText(error));
  });
  process.stdout.write(`${answer.line}\n`);
  process.exitCode = answer.exitCode;
}

function unknown(text: string): PluginAnswer {
  return { exitCode: 3, line: `RINGRIFT UNKNOWN - ${text.replaceAll("|", "/")}` };
}
