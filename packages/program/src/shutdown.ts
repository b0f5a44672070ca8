export interface ShutdownActions {
  /** Ends the work; called at most once. */
  stop(): Promise<void>;
  /** Ends at once what must not outlive the process, when it exits before it is stopped. */
  abandon(): void;
  exit(code: number): void;
  log(level: "info" | "error", message: string, error?: unknown): void;
  /** Calls back after so many milliseconds; must not keep the process alive by itself. */
  after(delayMs: number, callback: () => void): void;
}

/** How long a stop may take before the process ends without it. */
export const stopLimitMs = 10_000;

/** Stops once, whatever asks for it and however often. A second request, as of Ctrl-C, ends the process at once. */
export class Shutdown {
  readonly #actions: ShutdownActions;
  #requested = false;

  constructor(actions: ShutdownActions) {
    this.#actions = actions;
  }

  get requested(): boolean {
    return this.#requested;
  }

  /** A person or a service manager asks: exit 0 when stopped, 1 when that failed or took too long. */
  onSignal(signal: string): void {
    if (this.#requested) {
      // A supervisor may send SIGTERM more than once; only the keyboard means "now".
      if (signal === "SIGINT") this.#abandon(130);
      return;
    }
    this.#actions.log("info", `${signal} received, stopping`);
    this.#stop(0);
  }

  /** Something threw where nothing catches: the state is unknown, so stop what can be stopped and exit 1. */
  onFatal(error: unknown, kind: string): void {
    this.#actions.log("error", `${kind}: the program ends`, error);
    if (this.#requested) this.#abandon(1);
    else this.#stop(1);
  }

  #stop(code: number): void {
    this.#requested = true;
    this.#actions.after(stopLimitMs, () => {
      this.#actions.log("error", `not stopped after ${stopLimitMs / 1000} s, exiting anyway`);
      this.#abandon(1);
    });
    const stopped = Promise.resolve().then(() => this.#actions.stop());
    stopped.then(
      () => {
        this.#actions.log("info", "stopped");
        this.#actions.exit(code);
      },
      (error: unknown) => {
        this.#actions.log("error", "stopping failed", error);
        this.#abandon(1);
      },
    );
  }

  #abandon(code: number): void {
    this.#actions.abandon();
    this.#actions.exit(code);
  }
}
