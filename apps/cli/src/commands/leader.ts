import type { Command } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { leaderScreen } from "../mesh-screens.ts";

export function addLeader(program: Command, line: CommandLine): void {
  program
    .command("leader")
    .description("leader, epoch, lease, quorum, voters, links and refusals")
    .addHelpText(
      "after",
      examples("ringrift leader --server https://10.0.0.1:8790 --mesh-tls-ca-file ca.pem"),
    )
    .action(async () => {
      const status = await getStatus(line.server());
      const { leaderId, epoch, elector, quorum, ageSeconds, mesh } = status.cluster;
      line.print({
        json: { schema: "ringrift.leader/1", leaderId, epoch, elector, quorum, ageSeconds, mesh },
        screen: leaderScreen(status),
      });
    });
}
