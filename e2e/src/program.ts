import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** One started program, with all that it printed. */
export interface Program {
  readonly process: ChildProcess;
  readonly pid: number;
  output(): string;
  /** Hears each whole line as it is written, and first those that were written before. */
  onLine(hear: (line: string) => void): void;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): Promise<number | string>;
}

const running = new Set<Program>();

/** Starts `apps/<app>/dist/main.js` with exactly these variables, beside PATH and HOME. */
export function startProgram(
  app: "health-server" | "node-agent" | "cli",
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program {
  return startCommand(process.execPath, [mainOf(app), ...args], env);
}

/** The file that Node runs for a program. */
export function mainOf(app: "health-server" | "node-agent" | "cli"): string {
  return fileURLToPath(new URL(`../../apps/${app}/dist/main.js`, import.meta.url));
}

/** Starts any program found on PATH, with exactly these variables beside PATH and HOME. */
export function startCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listeners: ((line: string) => void)[] = [];
  const keeper = (): ((chunk: Buffer) => void) => {
    let rest = "";
    return (chunk) => {
      const text = chunk.toString("utf8");
      output = (output + text).slice(-200_000);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const hear of listeners) lines.forEach(hear);
    };
  };
  child.stdout.on("data", keeper());
  child.stderr.on("data", keeper());
  const exited = new Promise<number | string>((resolve) => {
    child.on("error", (error) => {
      output += error.message;
    });
    child.on("close", (code, signal) => {
      running.delete(program);
      resolve(code ?? signal ?? "unknown");
    });
  });
  const program: Program = {
    process: child,
    pid: child.pid ?? -1,
    output: () => output,
    onLine: (hear) => {
      for (const line of output.split("\n").slice(0, -1)) hear(line);
      listeners.push(hear);
    },
    exited,
    kill: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
  running.add(program);
  return program;
}

/** Kills whatever a failed test left running. */
export async function killLeftovers(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill("SIGKILL")));
}

/**
 * Asks again and again until `look` gives something other than null.
 * @throws Error with what was awaited and what was last seen, after `limitMs`.
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | null>,
  limitMs = 20_000,
  lastSeen: () => string = () => "",
): Promise<T> {
  const end = performance.now() + limitMs;
  let failure = "";
  while (performance.now() < end) {
    try {
      const seen = await look();
      if (seen !== null) return seen;
    } catch (error) {
      failure = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Waited ${limitMs / 1000} s for ${what}. ${failure} ${lastSeen()}`);
}
