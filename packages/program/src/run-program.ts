import {
  type ConfigByProgram,
  ConfigError,
  loadConfig,
  printConfig,
  printConfigJson,
} from "@ringrift/config";
import { errorText, RingRiftError } from "@ringrift/protocol";
import type { Logger } from "pino";
import { readCommandLine } from "./command-line.ts";
import { exitCodes } from "./exit-codes.ts";
import { createLog } from "./log.ts";
import { Shutdown } from "./shutdown.ts";

/** A started program. */
export interface Running {
  /** Ends the work; called at most once, and has 10 s. */
  stop(): Promise<void>;
  /** Ends at once what must not outlive the process, when it exits before `stop` is done. */
  abandon?(): void;
  /** Reads keys and files again, on SIGHUP. */
  reload?(): Promise<void>;
}

export interface ProgramContext {
  readonly log: Logger;
  readonly version: string;
  /** Seconds since 1970. */
  readonly startedAtSeconds: number;
}

/** The programs that run until they are stopped. */
export type ServiceId = "health-server" | "node-agent";

export interface ProgramDefinition<P extends ServiceId> {
  readonly program: P;
  /** The command's name, e.g. `ringrift-health-server`. */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Command lines for `--help`. */
  readonly examples?: readonly string[];
  /** Looks at the files that the configuration names. What it throws is shown, and the program exits 78. */
  checkFiles?(config: ConfigByProgram[P]): void;
  /** Starts the work. What it throws is shown, and the program exits 1. */
  start(config: ConfigByProgram[P], context: ProgramContext): Promise<Running>;
}

/**
 * Runs a program from its command line to its exit: options, configuration, log, signals and exit codes.
 *
 * @example
 * await runProgram({ program: "node-agent", name: "ringrift-node-agent", version, description: "Watches this host.", start });
 */
export async function runProgram<P extends ServiceId>(definition: ProgramDefinition<P>): Promise<void> {
  const texts = { ...definition, examples: definition.examples ?? [definition.name] };
  process.stdout.on("error", onStdoutError);
  const action = readCommandLine(texts, process.argv.slice(2));
  if (action.kind === "done") {
    process.exitCode = action.exitCode;
    return;
  }
  const config = configOrNull(definition.program, action.flags);
  const checksFiles = action.kind !== "print";
  if (config === null || (checksFiles && !filesAreGood(definition, config))) {
    process.exitCode = exitCodes.configuration;
    return;
  }
  if (action.kind === "print") {
    process.stdout.write(action.json ? printConfigJson(config) : printConfig(config));
    return;
  }
  if (action.kind === "check") {
    for (const warning of config.warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write("The configuration is good.\n");
    return;
  }
  await serve(definition, config);
}

/** A reader that has seen enough, as `head` does, is no failure. */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function configOrNull<P extends ServiceId>(
  program: P,
  flags: Readonly<Record<string, string | undefined>>,
): ConfigByProgram[P] | null {
  try {
    return loadConfig(program, { flags, env: process.env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n${error.nextStep ?? ""}\n`);
    return null;
  }
}

function filesAreGood<P extends ServiceId>(
  { checkFiles }: ProgramDefinition<P>,
  config: ConfigByProgram[P],
): boolean {
  try {
    checkFiles?.(config);
    return true;
  } catch (error) {
    // A list of many mistakes is told in full.
    const known = error instanceof RingRiftError ? error : null;
    process.stderr.write(`${known?.message ?? errorText(error)}\n${known?.nextStep ?? ""}\n`);
    return false;
  }
}

async function serve<P extends ServiceId>(
  definition: ProgramDefinition<P>,
  config: ConfigByProgram[P],
): Promise<void> {
  const log = await createLog(definition.name, config.logLevel);
  const context = { log, version: definition.version, startedAtSeconds: Date.now() / 1000 };
  for (const warning of config.warnings) log.warn(warning);

  // A signal during the start waits for it, so that what was started is also stopped.
  let running: Running | undefined;
  const started = Promise.resolve()
    .then(() => definition.start(config, context))
    .then((one) => {
      running = one;
      return one;
    });
  const shutdown = new Shutdown({
    stop: async () => await (await started).stop(),
    abandon: () => running?.abandon?.(),
    exit: (code) => process.exit(code),
    log: (level, message, error) => log[level](error === undefined ? {} : { err: error }, message),
    after: (delayMs, callback) => setTimeout(callback, delayMs).unref(),
  });
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => shutdown.onSignal(signal));
  process.on("uncaughtException", (error) => shutdown.onFatal(error, "uncaught exception"));
  process.on("unhandledRejection", (error) => shutdown.onFatal(error, "unhandled rejection"));

  onReload(started, shutdown, log);

  try {
    await started;
  } catch (error) {
    if (shutdown.requested) return;
    const facts =
      error instanceof RingRiftError
        ? { code: error.code, nextStep: error.nextStep, err: error }
        : { err: error };
    log.fatal(facts, `could not start: ${errorText(error)}`);
    process.exit(exitCodes.failed);
  }
}

function onReload(started: Promise<Running>, shutdown: Shutdown, log: Logger): void {
  let reloading = false;
  const reload = async (): Promise<void> => {
    try {
      const running = await started;
      if (running.reload === undefined) {
        log.info("SIGHUP received, but there is nothing to reload");
        return;
      }
      await running.reload();
      log.info("reloaded");
    } catch (error) {
      log.error({ err: error }, "reload failed, the old settings stay");
    }
  };
  // Installed before the start ends: without a listener SIGHUP would end the process.
  process.on("SIGHUP", () => {
    if (shutdown.requested) return;
    if (reloading) {
      log.warn("SIGHUP received while a reload runs; send it again afterwards");
      return;
    }
    reloading = true;
    void reload().finally(() => {
      reloading = false;
    });
  });
}
