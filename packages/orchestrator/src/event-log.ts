import { checkEventData, type EventOccurrence, type HealthEvent } from "@ringrift/protocol";

export interface EventPage {
  readonly events: readonly HealthEvent[];
  /** Number of the newest event; 0 before the first. */
  readonly lastSeq: number;
  /** Events after the asked-for number that are no longer kept. */
  readonly lost: number;
}

/** The last events of this process, numbered from 1, validated when they are added. */
export class EventLog {
  readonly #emitter: string;
  readonly #capacity: number;
  readonly #events: HealthEvent[] = [];
  readonly #listeners = new Set<(event: HealthEvent) => void>();
  #lastSeq = 0;

  /** @param options.capacity events kept, 10,000 unless told otherwise. */
  constructor(options: { readonly emitter: string; readonly capacity?: number }) {
    this.#emitter = options.emitter;
    this.#capacity = options.capacity ?? 10_000;
  }

  /** Number of the newest event; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** @throws RingRiftError `EVENT_INVALID` when the data does not fit the event's schema. */
  append(occurrence: EventOccurrence, timeSeconds: number, epoch: string | null): void {
    checkEventData(occurrence);
    this.#lastSeq += 1;
    const event = {
      seq: this.#lastSeq,
      emitter: this.#emitter,
      time: timeSeconds,
      epoch,
      name: occurrence.name,
      data: occurrence.data,
    } as HealthEvent;
    this.#events.push(event);
    if (this.#events.length > this.#capacity) this.#events.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** The events numbered above `seq`, oldest first, at most `limit`. */
  after(seq: number, limit: number): EventPage {
    const firstKept = this.#events[0]?.seq ?? this.#lastSeq + 1;
    const start = Math.max(0, seq + 1 - firstKept);
    return {
      events: this.#events.slice(start, start + limit),
      lastSeq: this.#lastSeq,
      lost: Math.max(0, firstKept - seq - 1),
    };
  }

  /** @returns a function that ends the subscription. */
  subscribe(listener: (event: HealthEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
