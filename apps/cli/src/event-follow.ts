import type { ClientOptions } from "./client.ts";
import { followStream } from "./stream-follow.ts";

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

/**
 * Tells of every kept event and then of each new one, until `signal` aborts; after a lost connection it goes on where it was.
 * @throws RingRiftError as `followStream` does.
 */
export async function followEvents(
  options: ClientOptions,
  listener: FollowListener,
  signal: AbortSignal,
): Promise<void> {
  const stream = {
    path: () => "/v1/events?after=0",
    onNotice: (text: string) => listener.onNotice(text),
    onMessage: ({
      event,
      id,
      data,
    }: {
      event?: string | undefined;
      id?: string | undefined;
      data: string;
    }) => {
      if (event === "lost") listener.onNotice(`${JSON.parse(data).lost} older events are no longer kept.`);
      else
        listener.onEvent({
          seq: Number(id?.split("-")[1]),
          name: event ?? "",
          cloudEvent: JSON.parse(data),
        });
    },
  };
  await followStream(options, stream, signal);
}
