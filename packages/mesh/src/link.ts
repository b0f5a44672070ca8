import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type HeartbeatFrame,
  isRefused,
  maxFrameBytes,
  type NodeRole,
  type PeerIdentity,
} from "@ringrift/protocol";
import type { RawData, WebSocket } from "ws";
import { tickMs } from "./beat.ts";
import { type Admission, FrameBudget, type FrameKind, kindOf } from "./frame-budget.ts";
import { maySend } from "./frame-roles.ts";
import { limits } from "./limits.ts";
import type { LinkView } from "./mesh.ts";
import { OutQueue } from "./out-queue.ts";
import { faultOf, type PeerFault } from "./peer-fault.ts";

/** Options of every socket: the library's own defaults would take 100 MiB and wait 30 s for a close. */
export const socketOptions: {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: false;
  readonly closeTimeout: number;
  readonly autoPong: false;
} = {
  maxPayload: maxFrameBytes,
  maxFragments: limits.fragments,
  maxBufferedChunks: limits.bufferedChunks,
  perMessageDeflate: false,
  closeTimeout: limits.closeMs,
  // Heartbeats do that work, and answers to a flood of pings would pile up for a peer that does not read.
  autoPong: false,
};

/** Why a link ended, for the log and the counts. */
export type LinkEnd =
  | PeerFault
  | "closed_by_peer"
  | "closed_here"
  | "slow_peer"
  | "silent_peer"
  | "old_incarnation"
  | "replaced";

export interface LinkHandlers {
  readonly onFrame: (frame: Frame) => void;
  /** A frame that was not handed on or not sent: of an unknown type, one too many, or one that made way. */
  readonly onDrop: (what: string) => void;
  /** The peer's process runs: a sign of life between two frames. */
  readonly onPulse: () => void;
  /** Called once. `detail` is for the log. */
  readonly onEnd: (end: LinkEnd, detail: string) => void;
}

export interface LinkFacts {
  readonly peer: PeerIdentity;
  readonly localRole: NodeRole;
  readonly direction: "in" | "out";
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** One authenticated link, whichever side dialled. */
export class Link {
  readonly peer: PeerIdentity;
  readonly direction: "in" | "out";
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  /** Ticks since the peer was last heard; ticks, so that our own pause is not the peer's silence. */
  quietTicks = 0;
  /** True once the peer said goodbye. */
  left = false;
  readonly #socket: WebSocket;
  readonly #localRole: NodeRole;
  readonly #now: () => number;
  readonly #queue = new OutQueue(limits.queueBytes);
  /** Kinds of which a frame made way; what the peer knows of them has a gap. */
  readonly #gaps = new Set<FrameKind>();
  #handlers: LinkHandlers | null = null;
  #budget: FrameBudget | null = null;
  #end: LinkEnd | null = null;
  #heartbeat: HeartbeatFrame | null = null;
  #periodMs = tickMs;
  #sentBytes = 0;
  #takenBytes = 0;
  #stuckTicks = 0;

  constructor(socket: WebSocket, { peer, localRole, direction, now }: LinkFacts) {
    this.#socket = socket;
    this.#localRole = localRole;
    this.#now = now;
    this.peer = peer;
    this.direction = direction;
    this.openedAt = now();
  }

  /** Starts to hand frames on. `heartbeatMs` is the cluster's interval, `periodMs` the time between two calls of `tick`. */
  listen(handlers: LinkHandlers, heartbeatMs: number, periodMs: number = tickMs): void {
    this.#periodMs = periodMs;
    this.#handlers = handlers;
    this.#budget = new FrameBudget(this.peer.role, heartbeatMs, this.openedAt);
    this.#socket.on("message", (data: RawData, binary: boolean) => this.#receive(data, binary));
    this.#socket.on("ping", (data) => this.#receivePulse(data));
    this.#socket.on("error", (error) => this.end(faultOf(error) ?? "closed_by_peer", error.message));
    this.#socket.on("close", (code: number) => this.#finish("closed_by_peer", `close code ${code}`));
  }

  get isOpen(): boolean {
    return this.#end === null && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Sends a frame or queues it. False when it was not: the link is ending, or the frame is too large. */
  send(frame: Frame): boolean {
    return this.sendText(kindOf(frame), encodeFrame(frame));
  }

  /** `send` for text that goes to many peers and is encoded once. */
  sendText(kind: FrameKind | null, text: string): boolean {
    if (!this.isOpen) return false;
    const bytes = Buffer.byteLength(text);
    if (bytes > maxFrameBytes) {
      this.#handlers?.onDrop("sent_frame_too_large");
      return false;
    }
    if (this.#queue.isEmpty && this.#socket.bufferedAmount + bytes <= limits.socketBytes) {
      this.#write(text, bytes);
      return true;
    }
    for (const dropped of this.#queue.push({ kind, text, bytes })) {
      this.#handlers?.onDrop(`unsent_${dropped.kind}`);
      if (dropped.kind !== null) this.#gaps.add(dropped.kind);
    }
    return true;
  }

  /** Shows that this process runs; costs next to nothing, and is lost when the peer is slow. */
  pulse(): void {
    if (this.isOpen && this.#socket.bufferedAmount === 0) this.#socket.ping();
  }

  /** One beat: what waits goes on its way, and a peer that takes nothing of it for too long is cut. */
  tick(): void {
    this.quietTicks += 1;
    while (this.#socket.bufferedAmount < limits.socketBytes / 2) {
      const next = this.#queue.shift();
      if (next === null) break;
      this.#write(next.text, next.bytes);
    }
    const waiting = this.#socket.bufferedAmount;
    const taken = this.#sentBytes - waiting;
    this.#stuckTicks = waiting > 0 && taken <= this.#takenBytes ? this.#stuckTicks + 1 : 0;
    this.#takenBytes = taken;
    if (this.#stuckTicks * this.#periodMs >= limits.stuckMs) this.end("slow_peer", `${waiting} bytes wait`);
  }

  /** What an operator sees of it. */
  view(): LinkView {
    const { nodeId, role, kid } = this.peer;
    const seconds = (sinceMs: number): number => Math.max(0, sinceMs) / 1000;
    return {
      peer: nodeId,
      role,
      direction: this.direction,
      kid,
      sinceSeconds: seconds(this.#now() - this.openedAt),
      heardSeconds: seconds(this.quietTicks * this.#periodMs),
      says: saidBy(this.#heartbeat),
      waitingBytes: this.#socket.bufferedAmount + this.#queue.bytes,
    };
  }

  /** Once, when frames of the kind made way and nothing waits any more: the peer now needs the full picture. */
  takeGap(kind: FrameKind): boolean {
    return this.#queue.isEmpty && this.#gaps.delete(kind);
  }

  /** Cuts the link at once: a peer that hangs would not answer a polite close. */
  end(end: LinkEnd, detail = ""): void {
    if (this.#end !== null) return;
    this.#socket.terminate();
    this.#finish(end, detail);
  }

  /** Lets sent frames go out, then closes; the socket is cut after half a second. */
  close(): void {
    if (this.#end !== null) return;
    this.#socket.close(1000);
    this.#finish("closed_here", "");
  }

  #write(text: string, bytes: number): void {
    this.#sentBytes += bytes;
    this.#socket.send(text);
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.#end !== null || this.#budget === null) return;
    this.quietTicks = 0;
    if (!this.#takes(data)) return;
    if (binary) {
      this.end("bad_frame", "a binary frame");
      return;
    }
    const frame = decodeFrame(textOf(data));
    if (isRefused(frame)) {
      if (frame.refused === "unknown_type") this.#handlers?.onDrop("unknown_type");
      else this.end("bad_frame", `${frame.refused} ${frame.detail}`);
    } else if (frame.type === "refused") this.end("closed_by_peer", "it gave up on the handshake");
    else if (!maySend(this.peer.role, this.#localRole, frame.type)) this.end("role", frame.type);
    else if (this.#isAdmitted(this.#budget.admit(frame, this.#now())) && !this.#isReplay(frame))
      this.#handlers?.onFrame(frame);
  }

  #receivePulse(data: Buffer): void {
    if (this.#end !== null) return;
    this.quietTicks = 0;
    if (this.#takes(data)) this.#handlers?.onPulse();
  }

  #takes(unread: RawData): boolean {
    return this.#budget !== null && this.#isAdmitted(this.#budget.admitUnread(lengthOf(unread), this.#now()));
  }

  #isAdmitted(admission: Admission): boolean {
    if (admission === "admitted") return true;
    this.#handlers?.onDrop("rate_limit");
    if (admission === "excess") this.end("flood", "far more frames than the rate limit");
    return false;
  }

  #isReplay(frame: Frame): boolean {
    if (frame.type !== "heartbeat") return false;
    const replayed = this.#heartbeat !== null && frame.seq <= this.#heartbeat.seq;
    if (replayed) this.#handlers?.onDrop("replayed");
    else this.#heartbeat = frame;
    return replayed;
  }

  #finish(end: LinkEnd, detail: string): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#handlers?.onEnd(end, detail);
  }
}

function saidBy(heartbeat: HeartbeatFrame | null): LinkView["says"] {
  if (heartbeat === null) return null;
  const { leaderId, epoch, quorum = null } = heartbeat;
  return { leaderId, epoch, quorum };
}

/** The text of a received message. */
export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}

function lengthOf(data: RawData): number {
  if (Array.isArray(data)) return data.reduce((sum, part) => sum + part.length, 0);
  return data.byteLength;
}
