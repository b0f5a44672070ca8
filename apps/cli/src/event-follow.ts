import { setTimeout as sleep } from "node:timers/promises";
import { RingRiftError } from "@ringrift/protocol";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { type ClientOptions, openStream } from "./client.ts";

/** One event as it came: its number, its name, and the whole of it as a CloudEvent. */
interface FollowedEvent {
  readonly seq: number;
  readonly name: string;
  readonly cloudEvent: { readonly time: string; readonly data: Readonly<Record<string, unknown>> };
}

export interface FollowListener {
  onEvent(event: FollowedEvent): void;
  /** Something the reader should know: events that were missed, a connection that was lost. */
  onNotice(text: string): void;
}

const firstRetryMs = 500;
const longestRetryMs = 10_000;
const maxEventCharacters = 1024 * 1024;

/**
 * Tells of every kept event and then of each new one, until `signal` aborts; after a lost connection it goes on where it was.
 * @throws RingRiftError as `openStream` does, when the first connection fails.
 */
export async function followEvents(
  options: ClientOptions,
  listener: FollowListener,
  signal: AbortSignal,
): Promise<void> {
  let lastId: string | null = null;
  let retryMs = firstRetryMs;
  const take = (message: EventSourceMessage): void => {
    retryMs = firstRetryMs;
    if (message.event === "lost") {
      listener.onNotice(`${JSON.parse(message.data).lost} older events are no longer kept.`);
      return;
    }
    lastId = message.id ?? lastId;
    listener.onEvent({
      seq: Number(message.id?.split("-")[1]),
      name: message.event ?? "",
      cloudEvent: JSON.parse(message.data),
    });
  };
  let connectedOnce = false;
  while (!signal.aborted) {
    try {
      const body = await openStream("/v1/events?after=0", options, lastId, signal);
      if (connectedOnce) listener.onNotice("Connected again.");
      connectedOnce = true;
      const parser = createParser({ onEvent: take, maxBufferSize: maxEventCharacters });
      const decoder = new TextDecoder();
      for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
    } catch (error) {
      if (signal.aborted) return;
      const isRefused = error instanceof RingRiftError && error.code !== "SERVER_UNREACHABLE";
      if (isRefused || !connectedOnce) throw error;
    }
    if (signal.aborted) return;
    listener.onNotice(`The connection to ${options.server} is lost; trying again in ${retryMs / 1000} s.`);
    await sleep(retryMs, undefined, { signal }).catch(() => {});
    retryMs = Math.min(longestRetryMs, retryMs * 2);
  }
}
