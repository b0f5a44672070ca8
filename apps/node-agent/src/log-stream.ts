import type { DaemonManager, LogLine } from "@ringrift/daemon-supervisor";
import { Waker } from "@ringrift/endpoints";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";

const longestQueue = 2_000;
const keepAliveMs = 15_000;

/** Lines for one reader: when it is too slow, the older half of what waits is dropped and counted. */
class LineQueue {
  #lines: LogLine[];
  #lost = 0;

  constructor(lines: readonly LogLine[]) {
    this.#lines = [...lines];
  }

  push(line: LogLine): void {
    if (this.#lines.length >= longestQueue) this.#lost += this.#lines.splice(0, longestQueue / 2).length;
    this.#lines.push(line);
  }

  take(): { readonly lines: readonly LogLine[]; readonly lost: number } {
    const taken = { lines: this.#lines, lost: this.#lost };
    this.#lines = [];
    this.#lost = 0;
    return taken;
  }
}

/** Sends the last `count` lines of a daemon and then each new one, as server-sent events; no line between is missed or doubled. */
export function logStream(
  context: Context,
  daemons: DaemonManager,
  name: string,
  count: number,
  onEnd: () => void,
): Response {
  return streamSSE(context, async (stream) => {
    const waker = new Waker();
    const { lines } = daemons.logs(name);
    const queue = new LineQueue(count === 0 ? [] : lines.slice(-count));
    const unfollow = daemons.followLogs(name, (line) => {
      queue.push(line);
      waker.wake();
    });
    stream.onAbort(() => waker.wake());
    try {
      while (!stream.aborted) {
        const { lines: taken, lost } = queue.take();
        if (lost > 0) await stream.writeSSE({ event: "lost", data: JSON.stringify({ lost }) });
        for (const line of taken) await stream.writeSSE({ event: "line", data: JSON.stringify(line) });
        // Proxies cut what is silent, and writing is how a reader that is gone gets noticed.
        if (taken.length === 0 && !(await waker.sleep(keepAliveMs))) await stream.write(": waiting\n\n");
      }
    } finally {
      unfollow();
      onEnd();
    }
  });
}
