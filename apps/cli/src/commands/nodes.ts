import type { Command } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { nodesTable } from "../screens.ts";

export function addNodes(program: Command, line: CommandLine): void {
  program
    .command("nodes")
    .description("every node with its link, state and reasons")
    .addHelpText("after", examples("ringrift nodes --server http://10.0.0.1:8790 --json"))
    .action(async () => {
      const { nodes, timestamp } = await getStatus(line.server());
      line.print({ json: { schema: "ringrift.nodes/1", nodes, timestamp }, screen: nodesTable(nodes) });
    });
}
