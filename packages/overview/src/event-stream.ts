import { Waker } from "@ringrift/endpoints";
import type { EventLog } from "@ringrift/orchestrator";
import { toCloudEvent } from "@ringrift/protocol";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";

const eventsPerWrite = 100;
const keepAliveMs = 15_000;

/** Names one event of one run of the program, since numbers begin anew with each run: `RUN-SEQ`. */
function eventId(run: string, seq: number): string {
  return `${run}-${seq}`;
}

/** The number after which to go on: 0 when `id` is of another run, whose events are not these; null when it is no id. */
export function resumeAfter(id: string, run: string): number | null {
  const [, idRun, digits] = /^(\d{1,16})-(\d{1,15})$/.exec(id) ?? [];
  if (digits === undefined) return null;
  return idRun === run ? Number(digits) : 0;
}

/**
 * Sends the events numbered above `after` and then each new one, as server-sent events whose data is a CloudEvent. The log
 * itself is the queue: a slow reader holds nothing in memory, and what has left the log meanwhile is told as `lost`.
 */
export function eventStream(
  context: Context,
  log: EventLog,
  run: string,
  after: number,
  onEnd: () => void,
): Response {
  return streamSSE(context, async (stream) => {
    let seq = after;
    const waker = new Waker();
    const unsubscribe = log.subscribe(() => waker.wake());
    stream.onAbort(() => waker.wake());
    try {
      while (!stream.aborted) {
        const { events, lost } = log.after(seq, eventsPerWrite);
        if (lost > 0) await stream.writeSSE({ event: "lost", data: JSON.stringify({ lost }) });
        for (const event of events) {
          seq = event.seq;
          const data = JSON.stringify(toCloudEvent(event));
          await stream.writeSSE({ id: eventId(run, seq), event: event.name, data });
        }
        if (events.length > 0) continue;
        // Proxies cut what is silent, and writing is how a reader that is gone gets noticed.
        if (!(await waker.sleep(keepAliveMs))) await stream.write(": waiting\n\n");
      }
    } finally {
      waker.wake();
      unsubscribe();
      onEnd();
    }
  });
}
