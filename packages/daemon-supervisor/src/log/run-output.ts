import type { Readable } from "node:stream";
import { within } from "../deadline.ts";
import { readNotifications } from "../process/notify-pipe.ts";
import type { RunReaders } from "../state/run-files.ts";
import type { DaemonLog } from "./daemon-log.ts";

/** What is still in a pipe when the program ends is read at once, unless something else holds the pipe open. */
const drainMs = 50;

/** Reads what one run writes into the daemon's log. */
export class RunOutput {
  readonly #readers: RunReaders;
  readonly #log: DaemonLog;
  readonly #ended: Promise<unknown>;

  constructor(readers: RunReaders, log: DaemonLog, notified: (line: string) => void) {
    this.#readers = readers;
    this.#log = log;
    this.#ended = Promise.all(
      (["stdout", "stderr"] as const).map((stream) => {
        const reader = readers[stream];
        reader?.on("data", (chunk: Buffer) => log.write(stream, chunk));
        return closed(reader);
      }),
    );
    if (readers.notify !== null) readNotifications(readers.notify, notified);
  }

  /** Everything that the program wrote has been taken. */
  async drained(): Promise<void> {
    await within(this.#ended, drainMs);
    this.#log.flush();
  }

  close(): void {
    for (const reader of Object.values(this.#readers)) reader?.destroy();
  }
}

function closed(reader: Readable | null): Promise<void> {
  return new Promise((resolve) => {
    if (reader === null) return resolve();
    reader.on("error", () => undefined);
    reader.once("close", resolve);
  });
}
