import { readFileSync } from "node:fs";
import { errorText, RingRiftError } from "@ringrift/protocol";
import { type Command, Option } from "commander";
import { z } from "zod";
import { type ClientOptions, getJson, postJson } from "./client.ts";
import { followStream } from "./stream-follow.ts";
import { stateWord, tint } from "./table.ts";

/** What these verbs need of the command line. */
export interface DaemonVerbs {
  /** The node-agent to ask, whose daemons these are. */
  agent(token: string | null): ClientOptions;
  print(answer: { readonly json: unknown; readonly screen: string }): void;
  asJson(): boolean;
  /** Aborts at Ctrl-C. */
  interrupted(): AbortSignal;
}

const logLineSchema = z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() });
type LogLine = z.output<typeof logLineSchema>;
const logsSchema = z.object({ lines: z.array(logLineSchema), dropped: z.number() });
const daemonSchema = z.object({
  daemon: z.object({ name: z.string(), state: z.string(), reason: z.string() }),
});

/** Stopping waits for the daemon's grace, which is longer than other answers take. */
const longestActMs = 120_000;

/** `ringrift daemon start|stop|restart NAME` and `ringrift logs NAME`. */
export function addDaemonVerbs(program: Command, verbs: DaemonVerbs): void {
  const daemon = program
    .command("daemon")
    .description("start, stop or restart a daemon of this host's agent");
  for (const [act, description] of [
    ["start", "start it, or run a job now; its past crashes are forgotten"],
    ["stop", "stop it and all it started; it stays stopped until it is started"],
    ["restart", "stop it, then start it"],
  ] as const) {
    daemon
      .command(`${act} <name>`)
      .description(description)
      .addOption(tokenOption())
      .action(async (name: string, options: TokenOption) => {
        const agent = verbs.agent(tokenOf(options));
        const timeoutMs = Math.max(agent.timeoutMs, longestActMs);
        const answer = await postJson(`${pathOf(name)}/${act}`, { ...agent, timeoutMs });
        const { state, reason } = daemonSchema.parse(answer).daemon;
        verbs.print({ json: answer, screen: `${name}  ${stateWord(state)}  ${reason}` });
        // It did what it could; what became of it is not what was asked for.
        if (state === "stuck" || state === "start_refused") process.exitCode = 1;
      });
  }
  program
    .command("logs <name>")
    .description("what a daemon of this host's agent wrote last")
    .addOption(new Option("--lines <count>", "how many of the last lines").default("100"))
    .option("--follow", "and what it writes, until Ctrl-C; --json prints an object a line")
    .addOption(tokenOption())
    .action(async (name: string, options: TokenOption & { lines: string; follow?: boolean }) => {
      const agent = verbs.agent(tokenOf(options));
      const path = (lines: string): string => `${pathOf(name)}/logs?lines=${encodeURIComponent(lines)}`;
      if (options.follow === true)
        return follow(agent, (isFirst) => path(isFirst ? options.lines : "0"), verbs);
      const answer = await getJson(path(options.lines), agent);
      const { lines, dropped } = logsSchema.parse(answer);
      if (dropped > 0 && !verbs.asJson())
        process.stderr.write(`${dropped} older lines are no longer kept.\n`);
      verbs.print({ json: answer, screen: lines.map(screenLine).join("\n") });
    });
}

async function follow(
  agent: ClientOptions,
  path: (isFirst: boolean) => string,
  verbs: DaemonVerbs,
): Promise<void> {
  const onNotice = (text: string): void => void process.stderr.write(`${text}\n`);
  const stream = {
    path,
    onNotice,
    onMessage: ({ event, data }: { event?: string | undefined; data: string }) => {
      if (event === "lost")
        return onNotice(`${JSON.parse(data).lost} lines came too fast and were left out.`);
      const line = logLineSchema.parse(JSON.parse(data));
      process.stdout.write(`${verbs.asJson() ? JSON.stringify(line) : screenLine(line)}\n`);
    },
  };
  await followStream(agent, stream, verbs.interrupted());
}

function screenLine({ stream, text }: LogLine): string {
  // A log may hold any bytes; those that steer a terminal are shown instead of obeyed.
  const shown = text.replace(/(?!\t)\p{Cc}/gu, "\ufffd");
  return stream === "stderr" ? tint(shown, "warn") : shown;
}

interface TokenOption {
  readonly tokenFile?: string;
}

function tokenOption(): Option {
  return new Option("--token-file <file>", "file with the agent's API token").env("RINGRIFT_API_TOKEN_FILE");
}

/** @throws RingRiftError `TOKEN_FILE_UNREADABLE` */
function tokenOf({ tokenFile }: TokenOption): string | null {
  if (tokenFile === undefined || tokenFile === "") return null;
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (error) {
    throw new RingRiftError(`Cannot read the token file ${tokenFile}: ${errorText(error)}.`, {
      code: "TOKEN_FILE_UNREADABLE",
      nextStep: "Give --token-file or RINGRIFT_API_TOKEN_FILE the path of a file that you may read.",
    });
  }
}

function pathOf(name: string): string {
  return `/v1/daemons/${encodeURIComponent(name)}`;
}
