import {
  decodeFrame,
  encodeFrame,
  type Frame,
  isRefused,
  maxFrameBytes,
  type NodeRole,
  type PeerIdentity,
  type RefusedFrame,
} from "@ringrift/protocol";
import type { RawData, WebSocket } from "ws";
import { maySend } from "./frame-roles.ts";

/** Options of every socket: the library's own defaults would take 100 MiB and wait 30 s for a close. */
export const socketOptions: {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: false;
  readonly closeTimeout: number;
} = {
  maxPayload: maxFrameBytes,
  maxFragments: 64,
  maxBufferedChunks: 4096,
  perMessageDeflate: false,
  closeTimeout: 500,
};

/** Bytes that may wait for a slow peer; beyond it the link ends, so that the next one starts from a full picture. */
const maxQueuedBytes = 8 * 1024 * 1024;
/** Frames per second that a peer may send for long, and at once. */
const frameRate = {
  agent: { perSecond: 50, burst: 200 },
  server: { perSecond: 20_000, burst: 40_000 },
} as const;

/** Why a link ended, for the log and the counts. */
export type LinkEnd =
  | "closed_by_peer"
  | "closed_here"
  | "slow_peer"
  | "silent_peer"
  | "bad_frame"
  | "frame_too_large"
  | "role"
  | "old_incarnation"
  | "replaced";

export interface LinkHandlers {
  readonly onFrame: (frame: Frame) => void;
  /** A frame that was not handed on: of an unknown type, or one too many. */
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
  #handlers: LinkHandlers | null = null;
  #end: LinkEnd | null = null;
  #tokens: number;
  #refilledAt: number;

  constructor(socket: WebSocket, { peer, localRole, direction, now }: LinkFacts) {
    this.#socket = socket;
    this.#localRole = localRole;
    this.#now = now;
    this.peer = peer;
    this.direction = direction;
    this.openedAt = now();
    this.#tokens = frameRate[peer.role].burst;
    this.#refilledAt = this.openedAt;
  }

  /** Starts to hand frames on. */
  listen(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#socket.on("message", (data: RawData, binary: boolean) => this.#receive(data, binary));
    this.#socket.on("ping", () => this.#receivePulse());
    this.#socket.on("error", (error: Error & { code?: string }) => {
      if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") this.end("frame_too_large", error.message);
      else this.end("closed_by_peer", error.message);
    });
    this.#socket.on("close", (code: number) => this.#finish("closed_by_peer", `close code ${code}`));
  }

  get isOpen(): boolean {
    return this.#end === null && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Queues a frame. False when it was not: the link is ending, or the frame is too large. */
  send(frame: Frame): boolean {
    return this.sendText(encodeFrame(frame));
  }

  /** `send` for text that goes to many peers and is encoded once. */
  sendText(text: string): boolean {
    if (!this.isOpen) return false;
    if (Buffer.byteLength(text) > maxFrameBytes) {
      this.#handlers?.onDrop("sent_frame_too_large");
      return false;
    }
    if (this.#socket.bufferedAmount > maxQueuedBytes) {
      this.end("slow_peer", `${this.#socket.bufferedAmount} bytes wait`);
      return false;
    }
    this.#socket.send(text);
    return true;
  }

  /** Shows that this process runs; costs next to nothing, and is lost when the peer is slow. */
  pulse(): void {
    if (this.isOpen && this.#socket.bufferedAmount === 0) this.#socket.ping();
  }

  /** Cuts the link at once: a peer that hangs would not answer a polite close. */
  end(end: LinkEnd, detail = ""): void {
    if (this.#end !== null) return;
    this.#socket.terminate();
    this.#finish(end, detail);
  }

  /** Lets queued frames go out, then closes; the socket is cut after half a second. */
  close(): void {
    if (this.#end !== null) return;
    this.#socket.close(1000);
    this.#finish("closed_here", "");
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.#end !== null) return;
    this.quietTicks = 0;
    if (!this.#takeToken()) {
      this.#handlers?.onDrop("rate_limit");
      return;
    }
    const decoded: Frame | RefusedFrame = binary
      ? { refused: "not_json", detail: "binary" }
      : decodeFrame(textOf(data));
    if (!isRefused(decoded)) {
      if (maySend(this.peer.role, this.#localRole, decoded.type)) this.#handlers?.onFrame(decoded);
      else this.end("role", decoded.type);
    } else if (decoded.refused === "unknown_type") this.#handlers?.onDrop("unknown_type");
    else this.end("bad_frame", `${decoded.refused} ${decoded.detail}`);
  }

  #receivePulse(): void {
    if (this.#end !== null) return;
    this.quietTicks = 0;
    if (this.#takeToken()) this.#handlers?.onPulse();
    else this.#handlers?.onDrop("rate_limit");
  }

  #takeToken(): boolean {
    const { perSecond, burst } = frameRate[this.peer.role];
    const now = this.#now();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledAt) / 1000) * perSecond);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #finish(end: LinkEnd, detail: string): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#handlers?.onEnd(end, detail);
  }
}

/** The text of a received message. */
export function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}
