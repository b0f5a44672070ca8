// core: pure
import type { FrameKind } from "./frame-budget.ts";

/** A frame that waits, with what is needed to rank it. */
export interface Waiting {
  /** Null for a goodbye, which goes out with the most urgent. */
  readonly kind: FrameKind | null;
  readonly text: string;
  readonly bytes: number;
}

type Rank = 0 | 1 | 2 | 3;
const ranks: Readonly<Record<FrameKind, Rank>> = {
  vote: 0,
  lead: 0,
  heartbeat: 1,
  membership: 1,
  proposal: 1,
  clock: 1,
  status: 2,
  report: 3,
};
/** The first to be dropped comes first; votes and goodbyes are never dropped for others. */
const droppable: readonly Rank[] = [3, 2, 1];

/**
 * What waits for one peer while its socket is full: election before membership before status before reports. Of statuses
 * only the newest waits. When the bound is passed the oldest of the least urgent is dropped.
 */
export class OutQueue {
  readonly #maxBytes: number;
  readonly #lanes: readonly [Waiting[], Waiting[], Waiting[], Waiting[]] = [[], [], [], []];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Queues a frame; returns those that had to make way, the frame itself among them when nothing else could. */
  push(frame: Waiting): Waiting[] {
    const lane = this.#lanes[rankOf(frame)];
    const dropped = frame.kind === "status" ? lane.splice(0) : [];
    lane.push(frame);
    this.#bytes += frame.bytes;
    for (const old of dropped) this.#bytes -= old.bytes;
    for (const rank of droppable) {
      while (this.#bytes > this.#maxBytes) {
        const oldest = this.#lanes[rank].shift();
        if (oldest === undefined) break;
        this.#bytes -= oldest.bytes;
        dropped.push(oldest);
      }
    }
    return dropped;
  }

  /** The most urgent frame, the oldest of its rank; null when none waits. */
  shift(): Waiting | null {
    for (const lane of this.#lanes) {
      const next = lane.shift();
      if (next === undefined) continue;
      this.#bytes -= next.bytes;
      return next;
    }
    return null;
  }
}

function rankOf({ kind }: Waiting): Rank {
  return kind === null ? 0 : ranks[kind];
}
