import type { Command } from "commander";
import { getJson } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { membersScreen } from "../mesh-screens.ts";

export function addMembers(program: Command, line: CommandLine): void {
  program
    .command("members")
    .description("every member of the mesh: its link, who misses it and why, and who was refused")
    .addHelpText("after", examples("ringrift members --server http://10.0.0.1:8790"))
    .action(async () => {
      const answer = await getJson("/v1/members", line.server());
      line.print({ json: answer, screen: membersScreen(answer) });
    });
}
