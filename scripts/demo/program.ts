import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const apps = fileURLToPath(new URL("../../apps/", import.meta.url));

/** One of our programs, started as an operator would start it, again and again. */
export class Program {
  readonly name: string;
  readonly #main: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(
    app: "health-server" | "node-agent",
    name: string,
    environment: Readonly<Record<string, string>>,
  ) {
    this.name = name;
    this.#main = `${apps}${app}/dist/main.js`;
    this.#environment = environment;
  }

  start(): void {
    if (this.#child !== null) return;
    const child = spawn(process.execPath, [this.#main], {
      stdio: ["ignore", "inherit", "inherit"],
      // Their own group, so that Ctrl-C reaches them through us once and in order.
      detached: true,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#environment },
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => {
        console.error(`${this.name} could not be started: ${error.message}`);
        resolve();
      });
      child.once("exit", () => {
        this.#child = null;
        resolve();
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#exited;
  }

  /** Ends it in good order, also when it is frozen. */
  async stop(): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    await this.#exited;
  }
}
