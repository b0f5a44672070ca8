import { printConfig, printConfigJson } from "@ringrift/config";
import type { Command } from "commander";
import { type CommandLine, examples } from "../command-line.ts";

export function addConfig(program: Command, line: CommandLine): void {
  const config = program
    .command("config")
    .description("show or check the configuration")
    .addHelpText("after", examples("ringrift config print", "ringrift config check --config agent.yaml"));
  config
    .command("print")
    .description("each value with where it came from, secrets masked")
    .action(() => {
      const loaded = line.config();
      process.stdout.write(line.asJson ? printConfigJson(loaded) : printConfig(loaded));
    });
  config
    .command("check")
    .description("exit 0 or 78")
    .action(() => {
      line.config();
      process.stdout.write("The configuration is good.\n");
    });
}
