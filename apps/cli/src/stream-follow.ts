import { setTimeout as sleep } from "node:timers/promises";
import { RingRiftError } from "@ringrift/protocol";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { type ClientOptions, openStream } from "./client.ts";

const firstRetryMs = 500;
const longestRetryMs = 10_000;
const maxEventCharacters = 1024 * 1024;

/** What is followed, and who hears of it. */
export interface FollowedStream {
  /** Where to ask: the first time, and again after a lost connection. */
  path(isFirst: boolean): string;
  onMessage(message: EventSourceMessage): void;
  /** Something the reader should know: what was missed, a connection that was lost. */
  onNotice(text: string): void;
}

/**
 * Follows a stream of server-sent events until `signal` aborts; after a lost connection it asks to go on after the last id.
 * @throws RingRiftError as `openStream` does, when the first connection fails or a later one is refused.
 */
export async function followStream(
  options: ClientOptions,
  stream: FollowedStream,
  signal: AbortSignal,
): Promise<void> {
  let lastId: string | null = null;
  let retryMs = firstRetryMs;
  let connectedOnce = false;
  const take = (message: EventSourceMessage): void => {
    retryMs = firstRetryMs;
    lastId = message.id ?? lastId;
    stream.onMessage(message);
  };
  while (!signal.aborted) {
    try {
      const body = await openStream(stream.path(!connectedOnce), options, lastId, signal);
      if (connectedOnce) stream.onNotice("Connected again.");
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
    stream.onNotice(`The connection to ${options.server} is lost; trying again in ${retryMs / 1000} s.`);
    await sleep(retryMs, undefined, { signal }).catch(() => {});
    retryMs = Math.min(longestRetryMs, retryMs * 2);
  }
}
