import type { Command } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { statusScreen } from "../screens.ts";

export function addStatus(program: Command, line: CommandLine): void {
  program
    .command("status")
    .description("score, leader, quorum, nodes and daemons on one screen")
    .addHelpText("after", examples("ringrift status --server http://10.0.0.1:8790"))
    .action(async () => {
      const status = await getStatus(line.server());
      line.print({ json: status, screen: statusScreen(status) });
    });
}
