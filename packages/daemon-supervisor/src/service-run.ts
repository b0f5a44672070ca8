import { errorText } from "@ringrift/protocol";
import type { InProcessService } from "./in-process-service.ts";
import type { Remains, Run, RunListener } from "./run.ts";

/** One run of a service inside this process. It cannot be killed: what does not stop in its grace is left. */
export class ServiceRun implements Run {
  readonly pid = null;
  readonly #service: InProcessService;
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
    void Promise.resolve()
      .then(() => service.start(fail))
      .then(
        () => {
          this.#left = ["its stop() has not returned"];
          if (!this.#ended) listener.spawned(null);
        },
        (error: unknown) => {
          this.#left = ["its stop() has not returned"];
          fail(error);
        },
      );
  }

  async end(_signal: NodeJS.Signals, graceMs: number): Promise<Remains> {
    this.#ended = true;
    const stopped = Promise.resolve()
      .then(() => this.#service.stop())
      .then(
        () => [],
        // One that throws at its stop has nothing more to say.
        () => [],
      )
      .then((nothing) => {
        this.#left = nothing;
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    return this.#left;
  }

  remaining(): Remains {
    return this.#left;
  }
}
