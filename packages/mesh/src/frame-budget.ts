// core: pure
import type { Frame, NodeRole } from "@ringrift/protocol";
import { limits, type Rate } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What is counted apart: a peer that floods with one kind keeps its allowance of the others. */
export type FrameKind =
  | "vote"
  | "lead"
  | "heartbeat"
  | "membership"
  | "proposal"
  | "status"
  | "report"
  | "clock";

const MiB = 1024 * 1024;

/**
 * What a peer may send. The other servers pass on the reports of all their agents; an agent speaks for itself.
 * `frames` and `bytes` are checked before a frame is read, the kinds after.
 */
const rates: Readonly<Record<NodeRole, Readonly<Record<FrameKind | "frames" | "bytes", Rate>>>> = {
  server: {
    frames: { perSecond: 20_000, burst: 40_000 },
    bytes: { perSecond: 64 * MiB, burst: 128 * MiB },
    vote: { perSecond: 10, burst: 40 },
    lead: { perSecond: 50, burst: 100 },
    heartbeat: { perSecond: 5, burst: 20 },
    membership: { perSecond: 50, burst: 500 },
    proposal: { perSecond: 10, burst: 50 },
    status: { perSecond: 50, burst: 200 },
    report: { perSecond: 20_000, burst: 40_000 },
    clock: { perSecond: 1, burst: 10 },
  },
  agent: {
    frames: { perSecond: 150, burst: 300 },
    bytes: { perSecond: MiB, burst: 2 * MiB },
    vote: { perSecond: 0, burst: 0 },
    lead: { perSecond: 0, burst: 0 },
    heartbeat: { perSecond: 5, burst: 20 },
    membership: { perSecond: 0, burst: 0 },
    proposal: { perSecond: 0, burst: 0 },
    status: { perSecond: 0, burst: 0 },
    report: { perSecond: 10, burst: 60 },
    clock: { perSecond: 1, burst: 10 },
  },
};

/** `excess`: the peer had too many of its frames dropped, and its link should end. */
export type Admission = "admitted" | "dropped" | "excess";

/** The token buckets of one link. */
export class FrameBudget {
  readonly #rates: (typeof rates)[NodeRole];
  readonly #buckets = new Map<FrameKind | "frames" | "bytes", TokenBucket>();
  readonly #excess: TokenBucket;
  readonly #openedAt: number;

  /** @param heartbeatMs the interval that the cluster agreed on: five times as often is too often */
  constructor(from: NodeRole, heartbeatMs: number, now: number) {
    const often = { perSecond: Math.max(1, 5_000 / heartbeatMs), burst: 20 };
    this.#rates = { ...rates[from], heartbeat: often };
    this.#excess = new TokenBucket(limits.excess, now);
    this.#openedAt = now;
  }

  /** Before a frame is read: is there room for one more, of so many bytes? */
  admitUnread(bytes: number, now: number): Admission {
    const admitted = this.#take("frames", 1, now) && this.#take("bytes", bytes, now);
    return admitted ? "admitted" : this.#drop(now);
  }

  admit(frame: Frame, now: number): Admission {
    const kind = kindOf(frame);
    return kind === null || this.#take(kind, 1, now) ? "admitted" : this.#drop(now);
  }

  #take(kind: FrameKind | "frames" | "bytes", cost: number, now: number): boolean {
    let bucket = this.#buckets.get(kind);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rates[kind], this.#openedAt);
      this.#buckets.set(kind, bucket);
    }
    return bucket.take(now, cost);
  }

  #drop(now: number): Admission {
    return this.#excess.take(now) ? "dropped" : "excess";
  }
}

/** How a frame is counted and how urgent it is; null for those of the handshake and for goodbyes. */
export function kindOf(frame: Frame): FrameKind | null {
  switch (frame.type) {
    case "election":
      return frame.message.type === "lead" || frame.message.type === "lead_reply" ? "lead" : "vote";
    case "heartbeat":
    case "status":
    case "report":
      return frame.type;
    case "observations":
    case "verdict":
      return "membership";
    case "propose":
    case "proposed":
      return "proposal";
    case "clock_query":
    case "clock_reply":
      return "clock";
    default:
      return null;
  }
}
