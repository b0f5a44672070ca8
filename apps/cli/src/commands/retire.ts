import type { Command } from "commander";
import { z } from "zod";
import { postJson } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { dateTime, stateWord } from "../table.ts";
import { readToken, type TokenOption, tokenOption } from "../token-file.ts";

const retirementSchema = z.object({
  node: z.string(),
  retired: z.object({ reason: z.string(), at: z.number() }).nullable(),
});

/** The servers answer within 5 s, at the latest that the outcome is not known. */
const longestAgreementMs = 10_000;

export function addRetire(program: Command, line: CommandLine): void {
  program
    .command("retire <id>")
    .description("take a node that is gone on purpose out of every count, on all servers")
    .option("--reason <text>", "why, one line of at most 200 characters, shown with the node")
    .addOption(tokenOption())
    .addHelpText("after", examples('ringrift retire gpu-7 --reason "sent back" --token-file token'))
    .action(async (id: string, options: TokenOption & { readonly reason?: string }) => {
      const { reason } = options;
      await decide(line, `/v1/nodes/${encodeURIComponent(id)}/retire`, options, { reason });
    });
}

export function addUnretire(program: Command, line: CommandLine): void {
  program
    .command("unretire <id>")
    .description("count a retired node again, on all servers; it is unknown until it reports")
    .addOption(tokenOption())
    .addHelpText("after", examples("ringrift unretire gpu-7 --token-file token"))
    .action(async (id: string, options: TokenOption) =>
      decide(line, `/v1/nodes/${encodeURIComponent(id)}/unretire`, options, {}),
    );
}

async function decide(line: CommandLine, path: string, options: TokenOption, body: object): Promise<void> {
  const server = { ...line.server(), token: readToken(options) };
  const timeoutMs = Math.max(server.timeoutMs, longestAgreementMs);
  const answer = await postJson(path, { ...server, timeoutMs }, body);
  const { node, retired } = retirementSchema.parse(answer);
  const screen =
    retired === null
      ? `${node} counts again`
      : `${node}  ${stateWord("retired")}  since ${dateTime(retired.at)}  ${retired.reason}`.trimEnd();
  line.print({ json: answer, screen });
}
