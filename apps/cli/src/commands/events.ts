import type { Command } from "commander";
import { getJson } from "../client.ts";
import { type CommandLine, examples, interrupted, notice } from "../command-line.ts";
import { followEvents } from "../event-follow.ts";
import { eventLine, eventLines } from "../screens.ts";

export function addEvents(program: Command, line: CommandLine): void {
  program
    .command("events")
    .description("what happened, oldest first")
    .option("--follow", "and what happens, until Ctrl-C; --json prints a CloudEvent a line")
    .addHelpText("after", examples("ringrift events", "ringrift events --follow --json"))
    .action(async ({ follow }: { follow?: boolean }) => {
      if (follow === true) return await followUntilInterrupted(line);
      const page = await getJson("/v1/events", line.server());
      line.print({ json: page, screen: eventLines(page) });
    });
}

async function followUntilInterrupted(line: CommandLine): Promise<void> {
  await followEvents(
    line.server(),
    {
      onEvent: ({ seq, name, cloudEvent }) => {
        const { time, data } = cloudEvent;
        const text = line.asJson
          ? JSON.stringify(cloudEvent)
          : eventLine({ seq, name, time: new Date(time), data });
        process.stdout.write(`${text}\n`);
      },
      onNotice: notice,
    },
    interrupted(),
  );
}
