import { type Command, Option } from "commander";
import { z } from "zod";
import { type ClientOptions, getJson } from "../client.ts";
import { type CommandLine, examples, interrupted, notice } from "../command-line.ts";
import { followStream } from "../stream-follow.ts";
import { tint } from "../table.ts";
import { readToken, type TokenOption, tokenOption } from "../token-file.ts";

const logLineSchema = z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() });
type LogLine = z.output<typeof logLineSchema>;
const logsSchema = z.object({ lines: z.array(logLineSchema), dropped: z.number() });

export function addLogs(program: Command, line: CommandLine): void {
  program
    .command("logs <name>")
    .description("what a daemon of this host's agent wrote last")
    .addOption(new Option("--lines <count>", "how many of the last lines").default("100"))
    .option("--follow", "and what it writes, until Ctrl-C; --json prints an object a line")
    .addOption(tokenOption())
    .addHelpText("after", examples("ringrift logs trainer --lines 20", "ringrift logs trainer --follow"))
    .action(async (name: string, options: TokenOption & { lines: string; follow?: boolean }) => {
      const agent = { ...line.agent(), token: readToken(options) };
      const path = (lines: string): string =>
        `/v1/daemons/${encodeURIComponent(name)}/logs?lines=${encodeURIComponent(lines)}`;
      if (options.follow === true)
        return await follow(agent, (isFirst) => path(isFirst ? options.lines : "0"), line.asJson);
      const answer = await getJson(path(options.lines), agent);
      const { lines, dropped } = logsSchema.parse(answer);
      if (dropped > 0 && !line.asJson) notice(`${dropped} older lines are no longer kept.`);
      line.print({ json: answer, screen: lines.map(screenLine).join("\n") });
    });
}

async function follow(
  agent: ClientOptions,
  path: (isFirst: boolean) => string,
  asJson: boolean,
): Promise<void> {
  const stream = {
    path,
    onNotice: notice,
    onMessage: ({ event, data }: { event?: string | undefined; data: string }) => {
      if (event === "lost") return notice(`${JSON.parse(data).lost} lines came too fast and were left out.`);
      const logLine = logLineSchema.parse(JSON.parse(data));
      process.stdout.write(`${asJson ? JSON.stringify(logLine) : screenLine(logLine)}\n`);
    },
  };
  await followStream(agent, stream, interrupted());
}

function screenLine({ stream, text }: LogLine): string {
  // A log may hold any bytes; those that steer a terminal are shown instead of obeyed.
  const shown = text.replace(/(?!\t)\p{Cc}/gu, "\ufffd");
  return stream === "stderr" ? tint(shown, "warn") : shown;
}
