import { type CliConfig, loadConfig } from "@ringrift/config";
import { exitCodes } from "@ringrift/program";
import { type Command, CommanderError, Option } from "commander";
import type { ClientOptions } from "./client.ts";
import { httpClient } from "./http-client.ts";

interface Options {
  readonly server: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly config?: string;
  readonly meshTlsCaFile?: string;
  readonly meshTlsCertFile?: string;
  readonly meshTlsKeyFile?: string;
}

/** What a verb has to say, for programs and for people. */
export interface Answer {
  readonly json: unknown;
  readonly screen: string;
}

/** The options that every verb shares, and what they mean: whom to ask, how long to wait, how to answer. */
export class CommandLine {
  readonly #program: Command;

  /** Adds its options to `program`. */
  constructor(program: Command) {
    this.#program = program
      .addOption(
        new Option("--server <url>", "health-server or node-agent to ask").default("http://127.0.0.1:8790"),
      )
      .addOption(
        new Option("--timeout <seconds>", "longest wait for an answer").default(5).argParser(seconds),
      )
      .option("--json", "print JSON with its schema's name")
      .option(
        "--config <file>",
        "YAML file with settings, for scan, doctor and config, and of the three below",
      )
      .option(
        "--mesh-tls-ca-file <file>",
        "authority of the servers' certificates, PEM; no other is trusted then",
      )
      .option("--mesh-tls-cert-file <file>", "certificate to show to a server that asks for one, PEM")
      .option("--mesh-tls-key-file <file>", "key of that certificate, PEM");
  }

  get asJson(): boolean {
    return this.#options().json === true;
  }

  get timeoutMs(): number {
    return this.#options().timeout * 1000;
  }

  /** The options that are settings too, by their names. */
  get flags(): Readonly<Record<string, string | undefined>> {
    const { config, meshTlsCaFile, meshTlsCertFile, meshTlsKeyFile } = this.#options();
    return {
      config,
      "mesh-tls-ca-file": meshTlsCaFile,
      "mesh-tls-cert-file": meshTlsCertFile,
      "mesh-tls-key-file": meshTlsKeyFile,
    };
  }

  /** The program to ask. @throws CommanderError on an address that is none; as `httpClient` on bad files */
  server(): ClientOptions {
    const { server } = this.#options();
    if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
      throw new CommanderError(
        exitCodes.usage,
        "server",
        `--server is "${server}"; an http:// or https:// address is accepted.`,
      );
    return { server, timeoutMs: this.timeoutMs, http: httpClient(this.flags) };
  }

  /** This host's agent, unless `--server` names another program. @throws as {@link server} */
  agent(): ClientOptions {
    const isDefault = this.#program.getOptionValueSource("server") === "default";
    return { ...this.server(), ...(isDefault ? { server: "http://127.0.0.1:8791" } : {}) };
  }

  /** The settings of file and environment. @throws ConfigError */
  config(): CliConfig {
    return loadConfig("cli", { flags: { config: this.#options().config }, env: process.env });
  }

  print({ json, screen }: Answer): void {
    process.stdout.write(this.asJson ? `${JSON.stringify(json, null, 2)}\n` : `${screen}\n`);
  }

  #options(): Options {
    return this.#program.opts<Options>();
  }
}

/** Command lines for the end of a help text. */
export function examples(...lines: readonly string[]): string {
  return ["\nExamples:", ...lines.map((line) => `  $ ${line}`)].join("\n");
}

/** Something the reader should know that is no part of the answer. */
export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Aborts when a person or the system ends the command. */
export function interrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());
  return interrupt.signal;
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 3600) return value;
  throw new CommanderError(
    exitCodes.usage,
    "timeout",
    `--timeout is "${text}"; seconds above 0 up to 3600 are accepted.`,
  );
}
