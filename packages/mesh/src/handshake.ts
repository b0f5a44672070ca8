import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameType,
  isRefused,
  type PeerIdentity,
} from "@ringrift/protocol";
import type { RawData, WebSocket } from "ws";
import {
  claimProblem,
  identityFor,
  type LocalPeer,
  type Parties,
  proofHolds,
  prove,
  type RefusalReason,
} from "./auth.ts";
import { Link, textOf } from "./link.ts";

/** From the open socket to the welcome. */
export const handshakeTimeoutMs = 5_000;
const maxHandshakeBytes = 8 * 1024;

export interface HandshakeClock {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970, for the expiry of keys. */
  readonly wallMs: () => number;
}

/** What comes of a handshake; exactly one of the two is called, once. */
export interface HandshakeHandlers {
  readonly onLink: (link: Link) => void;
  readonly onRefused: (reason: RefusalReason | "closed", peer: PeerIdentity | null) => void;
}

/** The dialled side: hello in, challenge out, proof in, welcome out. `admit` has the last word before the welcome. */
export function acceptHandshake(
  socket: WebSocket,
  local: LocalPeer,
  clock: HandshakeClock,
  admit: (peer: PeerIdentity) => RefusalReason | null,
  handlers: HandshakeHandlers,
): void {
  const talk = converse(socket, handlers);
  let parties: Parties | null = null;
  const onHello = (frame: Frame): void => {
    if (frame.type !== "hello") return talk.refuse("bad_frame", null);
    const problem = claimProblem(local, frame);
    if (problem !== null) return talk.refuse(problem, frame);
    parties = { dialer: frame, acceptor: identityFor(local, clock.wallMs()) };
    const mac = prove(local.keyring, parties, "acceptor", clock.wallMs());
    talk.say({ type: "challenge", ...parties.acceptor, mac });
    talk.expect(onProof);
  };
  const onProof = (frame: Frame): void => {
    if (frame.type !== "proof" || parties === null) return talk.refuse("bad_frame", parties?.dialer ?? null);
    const peer = parties.dialer;
    if (!proofHolds(local.keyring, parties, "dialer", frame.mac, clock.wallMs()))
      return talk.refuse("key", peer);
    const problem = admit(peer);
    if (problem !== null) return talk.refuse(problem, peer);
    talk.say({ type: "welcome" });
    talk.done();
    handlers.onLink(new Link(socket, peer, "in", clock.now));
  };
  talk.expect(onHello);
}

/** The dialling side: hello out, challenge in, proof out, welcome in. `voter` is whom it means to reach. */
export function dialHandshake(
  socket: WebSocket,
  local: LocalPeer,
  clock: HandshakeClock,
  voter: string,
  handlers: HandshakeHandlers,
): void {
  const talk = converse(socket, handlers);
  const dialer = identityFor(local, clock.wallMs());
  let acceptor: PeerIdentity | null = null;
  const onChallenge = (frame: Frame): void => {
    if (frame.type === "refused") return talk.refuse("refused_by_peer", null);
    if (frame.type !== "challenge") return talk.refuse("bad_frame", null);
    const problem = claimProblem(local, frame);
    if (problem !== null) return talk.refuse(problem, frame);
    if (frame.voter !== voter) return talk.refuse("wrong_server", frame);
    const parties = { dialer, acceptor: frame };
    if (!proofHolds(local.keyring, parties, "acceptor", frame.mac, clock.wallMs()))
      return talk.refuse("key", frame);
    acceptor = frame;
    talk.say({ type: "proof", mac: prove(local.keyring, parties, "dialer", clock.wallMs()) });
    talk.expect(onWelcome);
  };
  const onWelcome = (frame: Frame): void => {
    if (frame.type !== "welcome" || acceptor === null)
      return talk.refuse(frame.type === "refused" ? "refused_by_peer" : "bad_frame", acceptor);
    talk.done();
    handlers.onLink(new Link(socket, acceptor, "out", clock.now));
  };
  talk.expect(onChallenge);
  socket.once("open", () => talk.say({ type: "hello", ...dialer }));
}

interface Conversation {
  readonly say: (frame: Frame) => void;
  readonly expect: (next: (frame: Frame) => void) => void;
  readonly refuse: (reason: RefusalReason, peer: PeerIdentity | null) => void;
  readonly done: () => void;
}

const handshakeFrames: ReadonlySet<FrameType> = new Set([
  "hello",
  "challenge",
  "proof",
  "welcome",
  "refused",
]);

// Until the welcome nothing but small handshake frames is read, within one deadline.
function converse(socket: WebSocket, handlers: HandshakeHandlers): Conversation {
  let next: ((frame: Frame) => void) | null = null;
  let over = false;
  const finish = (): boolean => {
    if (over) return false;
    over = true;
    clearTimeout(deadline);
    socket.off("message", onMessage);
    socket.off("close", onClose);
    return true;
  };
  const refuse = (reason: RefusalReason, peer: PeerIdentity | null): void => {
    if (!finish()) return;
    if (socket.readyState === socket.OPEN) {
      socket.send(encodeFrame({ type: "refused" }));
      socket.close(1008);
    } else socket.terminate();
    handlers.onRefused(reason, peer);
  };
  const onMessage = (data: RawData, binary: boolean): void => {
    const text = binary ? "" : textOf(data);
    if (text.length > maxHandshakeBytes) return refuse("frame_too_large", null);
    const frame = decodeFrame(text);
    if (isRefused(frame) || !handshakeFrames.has(frame.type)) return refuse("bad_frame", null);
    next?.(frame);
  };
  const onClose = (): void => {
    if (finish()) handlers.onRefused("closed", null);
  };
  const deadline = setTimeout(() => refuse("handshake_timeout", null), handshakeTimeoutMs);
  socket.on("message", onMessage);
  socket.on("close", onClose);
  // Kept for the life of the socket: an error event that nobody hears would end the process.
  socket.on("error", (error: Error & { code?: string }) => {
    if (!over && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") refuse("frame_too_large", null);
  });
  return {
    say: (frame) => socket.send(encodeFrame(frame)),
    expect: (handler) => {
      next = handler;
    },
    refuse,
    done: () => void finish(),
  };
}
