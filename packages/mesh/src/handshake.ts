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
  certificateProblem,
  claimProblem,
  identityFor,
  knowsKey,
  type LocalPeer,
  type Parties,
  proofHolds,
  prove,
  type RefusalReason,
} from "./auth.ts";
import { limits } from "./limits.ts";
import { Link, textOf } from "./link.ts";
import type { CertifiedPeer } from "./mesh-tls.ts";
import { faultOf } from "./peer-fault.ts";

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

/** What a handshake is judged by. */
export interface HandshakeTerms {
  readonly local: LocalPeer;
  readonly clock: HandshakeClock;
  /** What the peer's certificate proves; asked once the connection stands. */
  readonly certified: () => CertifiedPeer | null;
  /** The last word on a peer that has proved who it is. */
  readonly admit: (peer: PeerIdentity) => RefusalReason | null;
}

/** The dialled side: hello in, challenge out, proof in, welcome out. */
export function acceptHandshake(
  socket: WebSocket,
  { local, clock, certified, admit }: HandshakeTerms,
  handlers: HandshakeHandlers,
): void {
  const onHello: Step = (frame) => {
    if (frame.type !== "hello") return refusal("bad_frame");
    const problem = claimProblem(local, frame) ?? certificateProblem(local, frame, certified(), frame.voter);
    if (problem !== null) return refusal(problem, frame);
    if (!knowsKey(local.trust.keyring, frame, clock.wallMs())) return refusal("key", frame);
    const parties = { dialer: frame, acceptor: identityFor(local, clock.wallMs(), frame) };
    const mac = prove(local.trust.keyring, parties, "acceptor", clock.wallMs());
    talk.say({ type: "challenge", ...parties.acceptor, mac });
    talk.expect((next) => onProof(next, parties));
    return null;
  };
  const onProof = (frame: Frame, parties: Parties): RefusalFacts | null => {
    const peer = parties.dialer;
    if (frame.type === "refused") return refusal("refused_by_peer", peer);
    if (frame.type !== "proof") return refusal("bad_frame", peer);
    if (!proofHolds(local.trust.keyring, parties, "dialer", frame.mac, clock.wallMs()))
      return refusal("key", peer);
    const problem = admit(peer);
    if (problem !== null) return refusal(problem, peer);
    talk.say({ type: "welcome" });
    talk.done();
    handlers.onLink(new Link(socket, { peer, localRole: local.role, direction: "in", now: clock.now }));
    return null;
  };
  const talk = converse(socket, handlers, onHello);
}

/** The dialling side: hello out, challenge in, proof out, welcome in. `voter` is whom it means to reach. */
export function dialHandshake(
  socket: WebSocket,
  { local, clock, certified, admit }: HandshakeTerms,
  voter: string,
  handlers: HandshakeHandlers,
): void {
  const dialer = identityFor(local, clock.wallMs());
  const onChallenge: Step = (frame) => {
    if (frame.type === "refused") return refusal("refused_by_peer");
    if (frame.type !== "challenge") return refusal("bad_frame");
    const isMeant = local.role === "agent" || frame.voter === voter;
    const problem = isMeant
      ? (claimProblem(local, frame) ?? certificateProblem(local, frame, certified(), voter))
      : "wrong_server";
    if (problem !== null) return refusal(problem, frame);
    const parties = { dialer, acceptor: frame };
    if (!proofHolds(local.trust.keyring, parties, "acceptor", frame.mac, clock.wallMs()))
      return refusal("key", frame);
    const unwanted = admit(frame);
    if (unwanted !== null) return refusal(unwanted, frame);
    talk.say({ type: "proof", mac: prove(local.trust.keyring, parties, "dialer", clock.wallMs()) });
    talk.expect((next) => onWelcome(next, frame));
    return null;
  };
  const onWelcome = (frame: Frame, acceptor: PeerIdentity): RefusalFacts | null => {
    if (frame.type === "refused") return refusal("refused_by_peer", acceptor);
    if (frame.type !== "welcome") return refusal("bad_frame", acceptor);
    talk.done();
    handlers.onLink(
      new Link(socket, { peer: acceptor, localRole: local.role, direction: "out", now: clock.now }),
    );
    return null;
  };
  const talk = converse(socket, handlers, onChallenge);
  socket.once("open", () => talk.say({ type: "hello", ...dialer }));
}

interface RefusalFacts {
  readonly reason: RefusalReason;
  readonly peer: PeerIdentity | null;
}

function refusal(reason: RefusalReason, peer: PeerIdentity | null = null): RefusalFacts {
  return { reason, peer };
}

/** Takes the next frame; an answer other than null ends the handshake. */
type Step = (frame: Frame) => RefusalFacts | null;

interface Conversation {
  readonly say: (frame: Frame) => void;
  readonly expect: (next: Step) => void;
  /** No refusal and no time-out any more. */
  readonly done: () => void;
}

const handshakeFrames: ReadonlySet<FrameType> = new Set([
  "hello",
  "challenge",
  "proof",
  "welcome",
  "refused",
]);

const heard = (): void => undefined;

// Until the welcome nothing but small handshake frames is read, within one deadline.
function converse(socket: WebSocket, handlers: HandshakeHandlers, first: Step): Conversation {
  let next: Step = first;
  let over = false;
  const finish = (): boolean => {
    if (over) return false;
    over = true;
    clearTimeout(deadline);
    socket.off("message", onMessage);
    socket.off("close", onClose);
    // An error event that nobody hears would end the process; what was said in the handshake need not be kept for it.
    socket.on("error", heard);
    socket.off("error", onError);
    return true;
  };
  const refuse = ({ reason, peer }: RefusalFacts): void => {
    if (!finish()) return;
    if (socket.readyState === socket.OPEN) {
      socket.send(encodeFrame({ type: "refused" }));
      socket.close(1008);
    } else socket.terminate();
    handlers.onRefused(reason, peer);
  };
  const read = (data: RawData, binary: boolean): RefusalFacts | null => {
    const text = binary ? "" : textOf(data);
    if (text.length > limits.handshakeFrameLength) return refusal("frame_too_large");
    const frame = decodeFrame(text);
    return isRefused(frame) || !handshakeFrames.has(frame.type) ? refusal("bad_frame") : next(frame);
  };
  const onMessage = (data: RawData, binary: boolean): void => {
    const problem = read(data, binary);
    if (problem !== null) refuse(problem);
  };
  const onClose = (): void => {
    if (finish()) handlers.onRefused("closed", null);
  };
  const deadline = setTimeout(() => refuse(refusal("handshake_timeout")), limits.handshakeMs);
  const onError = (error: Error): void => {
    const fault = faultOf(error);
    if (fault !== null) refuse(refusal(fault));
  };
  socket.on("message", onMessage);
  socket.on("close", onClose);
  socket.on("error", onError);
  return {
    say: (frame) => socket.send(encodeFrame(frame)),
    expect: (step) => {
      next = step;
    },
    done: () => void finish(),
  };
}
