import type { Command } from "commander";
import { getJson } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { nodeScreen } from "../node-screen.ts";

export function addNode(program: Command, line: CommandLine): void {
  program
    .command("node <id>")
    .description("one node with its checks and what to do")
    .addHelpText("after", examples("ringrift node gpu-7"))
    .action(async (id: string) => {
      const answer = await getJson(`/v1/nodes/${encodeURIComponent(id)}`, line.server());
      line.print({ json: answer, screen: nodeScreen(answer) });
    });
}
