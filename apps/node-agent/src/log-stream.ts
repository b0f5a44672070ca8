import type { DaemonManager } from "@ringrift/daemon-supervisor";
import { Waker } from "@ringrift/endpoints";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { LineQueue } from "./line-queue.ts";

const keepAliveMs = 15_000;

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
