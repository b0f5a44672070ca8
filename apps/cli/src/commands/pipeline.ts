import type { Command } from "commander";
import { getStatus } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";

export function addPipeline(program: Command, line: CommandLine): void {
  program
    .command("pipeline")
    .description("may the pipeline run, and how are its stages")
    .addHelpText("after", examples("ringrift pipeline --json"))
    .action(async () => {
      const { pipeline } = await getStatus(line.server());
      const lines = [
        `pipeline ${pipeline.state}`,
        ...pipeline.reasons,
        ...pipeline.stages.map((stage) => `${stage.stage} on ${stage.node}: ${stage.state} ${stage.reason}`),
      ];
      line.print({ json: { schema: "ringrift.pipeline/1", ...pipeline }, screen: lines.join("\n") });
    });
}
