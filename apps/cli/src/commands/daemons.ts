import type { Command } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { daemonsTable } from "../screens.ts";

export function addDaemons(program: Command, line: CommandLine): void {
  program
    .command("daemons")
    .description("every supervised daemon")
    .addHelpText("after", examples("ringrift daemons", "ringrift daemons --server http://127.0.0.1:8791"))
    .action(async () => {
      const status = await getStatus(line.server());
      line.print({
        json: { schema: "ringrift.daemons/1", daemons: status.daemons },
        screen: daemonsTable(status),
      });
    });
}
