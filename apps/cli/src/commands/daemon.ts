import type { Command } from "commander";
import { z } from "zod";
import { postJson } from "../client.ts";
import { type CommandLine, examples } from "../command-line.ts";
import { stateWord } from "../table.ts";
import { readToken, type TokenOption, tokenOption } from "../token-file.ts";

const daemonSchema = z.object({
  daemon: z.object({ name: z.string(), state: z.string(), reason: z.string() }),
});

/** Stopping waits for the daemon's grace, which is longer than other answers take. */
const longestActMs = 120_000;

const acts = [
  ["start", "start it, or run a job now; its past crashes are forgotten"],
  ["stop", "stop it and all it started; it stays stopped until it is started"],
  ["restart", "stop it, then start it"],
] as const;

export function addDaemon(program: Command, line: CommandLine): void {
  const daemon = program
    .command("daemon")
    .description("start, stop or restart a daemon of this host's agent")
    .addHelpText("after", examples("ringrift daemon restart trainer --token-file token"));
  for (const [act, description] of acts) {
    daemon
      .command(`${act} <name>`)
      .description(description)
      .addOption(tokenOption())
      .action(async (name: string, options: TokenOption) => {
        const agent = { ...line.agent(), token: readToken(options) };
        const timeoutMs = Math.max(agent.timeoutMs, longestActMs);
        const path = `/v1/daemons/${encodeURIComponent(name)}/${act}`;
        const answer = await postJson(path, { ...agent, timeoutMs });
        const { state, reason } = daemonSchema.parse(answer).daemon;
        line.print({ json: answer, screen: `${name}  ${stateWord(state)}  ${reason}` });
        // It did what it could; what became of it is not what was asked for.
        if (state === "stuck" || state === "start_refused") process.exitCode = 1;
      });
  }
}
