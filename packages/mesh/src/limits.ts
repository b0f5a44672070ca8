// core: pure

/** So many for long, and so many at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Every bound on what a peer can make this node hold, read or do. What goes beyond one is dropped or cut, and counted. */
interface Limits {
  /** From the open socket to the welcome, milliseconds. */
  readonly handshakeMs: number;
  /** Longest frame before the welcome, characters. */
  readonly handshakeFrameLength: number;
  /** Sockets between upgrade and welcome at once. */
  readonly pendingHandshakes: number;
  /** Those of one address, so that nobody who says nothing keeps everyone else out. */
  readonly pendingPerAddress: number;
  /** New sockets of all peers together, so that thousands that come back at once do not stall the leader. */
  readonly accepts: Rate;
  /** Those beyond them are told when to come again, so many for each second. */
  readonly turnsPerSecond: number;
  /** Longest wait that is told, milliseconds; who finds even that taken looks again by itself. */
  readonly longestTurnMs: number;
  /** Refused handshakes of one address; beyond them it is turned away before it is read. */
  readonly refusalsPerAddress: Rate;
  /** Handshakes of one address that it gave up or let run out; a thousand slow agents may share one, so there are many. */
  readonly hangUpsPerAddress: Rate;
  /** Addresses whose failures are remembered; the one that failed longest ago makes room. */
  readonly addressesRemembered: number;
  /** Members of which it is remembered what the listeners were told last; the one that changed longest ago makes room. */
  readonly membersRemembered: number;
  /** Fragments of one message. */
  readonly fragments: number;
  /** Chunks of one message that may wait to be read. */
  readonly bufferedChunks: number;
  /** Wait for the other side of a close, milliseconds. */
  readonly closeMs: number;
  /** Bytes that may wait in the socket of a peer; the rest waits in the queue, the most urgent first. */
  readonly socketBytes: number;
  /** Bytes that may wait in the queue of a peer, less urgent frames being dropped. */
  readonly queueBytes: number;
  /** A peer that takes nothing of what waits for this long is cut, milliseconds. */
  readonly stuckMs: number;
  /** Dropped frames of a peer; beyond them it is cut. */
  readonly excess: Rate;
  /** Refusals that are logged; all are counted. */
  readonly refusalsLogged: Rate;
  /** Links and members whose changes are logged, each kind for itself: a log that is read slowly must not hold the leader up. */
  readonly changesLogged: Rate;
  /** Refusals shown in the status, the newest. */
  readonly refusalsShown: number;
  /** Proposals of this server that wait for their outcome. */
  readonly proposalsPending: number;
  /** Proposals of all servers that wait for their turn at the leader. */
  readonly proposalsQueued: number;
  /** Proposals of this server; below what the leader takes on one link. */
  readonly proposals: Rate;
  /** Until a proposal's outcome counts as unknown, milliseconds. */
  readonly proposalMs: number;
}

export const limits: Limits = {
  handshakeMs: 5_000,
  handshakeFrameLength: 8 * 1024,
  pendingHandshakes: 128,
  pendingPerAddress: 64,
  accepts: { perSecond: 200, burst: 200 },
  turnsPerSecond: 160,
  longestTurnMs: 20_000,
  refusalsPerAddress: { perSecond: 5, burst: 20 },
  hangUpsPerAddress: { perSecond: 20, burst: 1_000 },
  addressesRemembered: 4_096,
  membersRemembered: 40_000,
  fragments: 16,
  bufferedChunks: 256,
  closeMs: 500,
  socketBytes: 1024 * 1024,
  queueBytes: 1024 * 1024,
  stuckMs: 5_000,
  excess: { perSecond: 10, burst: 500 },
  refusalsLogged: { perSecond: 5, burst: 50 },
  changesLogged: { perSecond: 20, burst: 200 },
  refusalsShown: 20,
  proposalsPending: 16,
  proposalsQueued: 32,
  proposals: { perSecond: 10, burst: 40 },
  proposalMs: 5_000,
};
