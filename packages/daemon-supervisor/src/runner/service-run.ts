import { errorText } from "@ringrift/protocol";
import type { Remains, Run, RunListener } from "../core/run.ts";
import { within } from "../deadline.ts";
import type { InProcessService } from "./in-process-service.ts";

/**
 * One run of a service inside this process. It cannot be killed: while its `start` or `stop` has not returned, something of
 * it is left.
 */
export class ServiceRun implements Run {
  readonly pid = null;
  readonly pids: readonly number[] = [];
  readonly #service: InProcessService;
  readonly #started: Promise<void>;
  #left: Remains = ["its start() has not returned"];
  #ended = false;

  constructor(service: InProcessService, listener: RunListener) {
    this.#service = service;
    const fail = (error: unknown): void => {
      if (this.#ended) return;
      this.#ended = true;
      listener.exited({ kind: "failed", reason: errorText(error) });
    };
    // In a later turn, as a program's start is: whoever starts it must know it before it answers.
    this.#started = Promise.resolve()
      .then(() => {
        if (!this.#ended) listener.spawned(null);
        return service.start(fail);
      })
      .then(
        () => {
          if (!this.#ended) listener.notified("READY=1");
        },
        (error: unknown) => fail(error),
      );
  }

  async end(_signal: NodeJS.Signals, graceMs: number): Promise<Remains> {
    this.#ended = true;
    const stopped = Promise.resolve()
      .then(() => this.#service.stop())
      // One that throws at its stop has nothing more to say.
      .catch(() => undefined)
      .then(() => {
        this.#left = ["its start() has not returned"];
        return this.#started;
      })
      .then(() => {
        this.#left = [];
      });
    this.#left = ["its stop() has not returned"];
    await within(stopped, graceMs);
    return this.#left;
  }

  remaining(): Remains {
    return this.#left;
  }

  /** It ends with this process. */
  killNow(): void {
    this.#ended = true;
  }
}
