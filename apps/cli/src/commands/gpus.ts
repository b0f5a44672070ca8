import { gpuListSchema } from "@ringrift/protocol";
import type { Command } from "commander";
import { getJson } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { gpusScreen } from "../gpus-screen.ts";

export function addGpus(program: Command, line: CommandLine): void {
  program
    .command("gpus")
    .description("every GPU with its values and its last error")
    .addHelpText(
      "after",
      examples("ringrift gpus", "ringrift gpus --server http://127.0.0.1:8791   this host"),
    )
    .action(async () => {
      const list = gpuListSchema.parse(await getJson("/v1/gpus", line.server()));
      line.print({ json: list, screen: gpusScreen(list) });
    });
}
