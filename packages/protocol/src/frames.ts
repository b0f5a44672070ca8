import type { LinkState, NodeRole } from "./health.ts";
import type { NodeReport } from "./node-report.ts";

/** Newest version of the mesh's frames that this code speaks, told in the hello. */
export const frameVersion = 1;
/** Oldest version that it still speaks. Two peers use the newest that both speak, and refuse one another without one. */
export const oldestFrameVersion = 1;
/** Longest frame, in bytes of UTF-8: a full report of a large host takes about a quarter of it. */
export const maxFrameBytes: number = 256 * 1024;
/** Deepest nesting of objects and arrays in one frame. */
export const maxFrameDepth = 32;
/** Most members in one frame; a longer list goes out in several. */
export const maxMembersPerFrame = 500;

/** Longest value that the servers agree on, in UTF-16 units: even with every unit escaped it fits into a frame. */
export const maxAgreedLength: number = 32 * 1024;
/** Longest proposal to change it, in UTF-16 units. */
export const maxProposalLength: number = 8 * 1024;

/** The times by which a node judges others, milliseconds; nodes that differ in them misjudge one another. */
export interface PeerTiming {
  /** Between two heartbeats of a node. */
  readonly heartbeatMs: number;
  /** Of a server that votes over the mesh; null of others. */
  readonly election: {
    readonly heartbeatMs: number;
    readonly electionTimeoutMinMs: number;
    readonly electionTimeoutMaxMs: number;
    readonly leaseMs: number;
  } | null;
}

/** Who one side of a link says it is; with a key its proof covers every field. */
export interface PeerIdentity {
  /** Newest version of frames that this side speaks. */
  readonly version: number;
  /** Oldest version that it still speaks. */
  readonly oldestVersion: number;
  readonly clusterId: string;
  readonly role: NodeRole;
  readonly nodeId: string;
  /** UUID of the process. */
  readonly instance: string;
  /** A server's voter id; null for an agent. */
  readonly voter: string | null;
  /** Digest of the voter list; servers that differ in it cannot form one quorum. */
  readonly votersDigest: string;
  /** Boot counter, which rises with each start of the node. */
  readonly boot: number;
  readonly programVersion: string;
  readonly timing: PeerTiming;
  /** 32 random bytes in hex, fresh for each link. */
  readonly nonce: string;
  /** The key that this side signs with; null without one. */
  readonly kid: string | null;
}

/** First frame of the side that dials. */
export interface HelloFrame extends PeerIdentity {
  readonly type: "hello";
}

/** Answer of the side that was dialled, with its proof: HMAC-SHA-256 in hex, null without a key. */
export interface ChallengeFrame extends PeerIdentity {
  readonly type: "challenge";
  readonly mac: string | null;
}

export interface ProofFrame {
  readonly type: "proof";
  readonly mac: string | null;
}

export interface HeartbeatFrame {
  readonly type: "heartbeat";
  /** Rises by one per heartbeat on one link. */
  readonly seq: number;
  readonly incarnation: { readonly boot: number; readonly counter: number };
  /** How late the sender's event loop ran at most since the last heartbeat. */
  readonly loopLagMs: number;
  readonly epoch: string;
  readonly leaderId: string | null;
  /** Of a server: voters that it reaches, itself included, and how many make a majority. */
  readonly quorum?: { readonly have: number; readonly need: number } | undefined;
}

/** One member as the sender has it; an age instead of an instant, since clocks differ. */
export interface MemberFrame {
  readonly id: string;
  readonly role: NodeRole;
  readonly link: LinkState;
  readonly lastSeenMs: number | null;
  readonly reason: string;
  readonly accusers: readonly string[];
  readonly version: string;
}

/** What a server tells its agents. */
export interface StatusFrame {
  readonly type: "status";
  /** Node id. */
  readonly leaderId: string | null;
  readonly leaderVoter: string | null;
  readonly term: number;
  readonly epoch: string;
  readonly quorum: {
    readonly configured: boolean;
    readonly held: boolean;
    readonly have: number;
    readonly need: number;
    readonly voters: readonly { readonly id: string; readonly reachable: boolean }[];
  };
  /** All members (`full`, in one or several frames), or those that changed. */
  readonly members: readonly MemberFrame[];
  readonly full: boolean;
}

/** An agent's report; servers pass on what came on the agent's own link, and never what was passed on to them. */
export interface ReportFrame {
  readonly type: "report";
  readonly nodeId: string;
  readonly report: NodeReport;
}

/** What one server sees of a member, for the other servers. */
export interface ObservationFrame {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: { readonly boot: number; readonly counter: number };
  readonly homes: readonly string[];
  readonly state: LinkState;
  /** `other`: one that only a newer version knows. */
  readonly reason: "heard" | "relayed" | "silence" | "close" | "refused" | "leave" | "flapping" | "other";
  readonly heardMsAgo: number | null;
  readonly closedMsAgo: number | null;
  readonly programVersion: string;
  /** Node id of the member, so that who never had a link to it can name it too; absent while not known. */
  readonly nodeId?: string | undefined;
}

/** When a value was written: in which leader's term, and as which of all writes. */
export interface AgreedStamp {
  readonly term: number;
  readonly version: number;
}

/** One voter's copy of the value that the voters agree on, at most {@link maxAgreedLength} UTF-16 units. */
export interface AgreedCopy extends AgreedStamp {
  readonly value: string;
}

/**
 * What voters say to one another, Raft's election without its log; the sender is the link's authenticated voter. Stamps and
 * copies are those of the value that they agree on, and absent while there is none.
 */
export type ElectionMessage =
  /** Would you vote for me in `term`? Changes nothing at the receiver. */
  | { readonly type: "pre_vote"; readonly term: number }
  /** `term` repeats the question; `voterTerm` is the answering voter's own, and so is `copy`, for one that lost its disk. */
  | {
      readonly type: "pre_vote_reply";
      readonly term: number;
      readonly granted: boolean;
      readonly voterTerm: number;
      readonly copy?: AgreedCopy | undefined;
    }
  /** `transfer`: the leader itself asked for this election, so hearing it is no reason to refuse. */
  | {
      readonly type: "vote";
      readonly term: number;
      readonly transfer: boolean;
      readonly stamp?: AgreedStamp | undefined;
    }
  /** `quietMs`: how long ago, at the least, this voter last acknowledged a leader. With a vote, the voter's copy where it is newer. */
  | {
      readonly type: "vote_reply";
      readonly term: number;
      readonly granted: boolean;
      readonly quietMs: number;
      readonly copy?: AgreedCopy | undefined;
    }
  /**
   * The leader's heartbeat; `sentAt` is on the leader's clock and means nothing to anyone else. `copy`: to be kept, for who may
   * not have it; `agreed`: what a majority holds.
   */
  | {
      readonly type: "lead";
      readonly term: number;
      readonly sentAt: number;
      readonly copy?: AgreedCopy | undefined;
      readonly agreed?: AgreedStamp | undefined;
    }
  /** `term` is the answering voter's own: a higher one deposes the sender of the heartbeat. `stamp`: what it holds on disk. */
  | {
      readonly type: "lead_reply";
      readonly term: number;
      readonly sentAt: number;
      readonly stamp?: AgreedStamp | undefined;
    }
  /** From a leader that is leaving to the voter that should follow it. */
  | { readonly type: "timeout_now"; readonly term: number };

/** What the leader of `term` declares of some members, all of them now and then. */
export interface VerdictFrame {
  readonly type: "verdict";
  readonly term: number;
  readonly members: readonly VerdictMemberFrame[];
}

export interface VerdictMemberFrame {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: { readonly boot: number; readonly counter: number };
  readonly state: LinkState;
  readonly reason: ObservationFrame["reason"];
  readonly accusers: readonly string[];
}

/** An agent asks a server for its time; `askedAt` is on the agent's clock and means nothing to anyone else. */
interface ClockQueryFrame {
  readonly type: "clock_query";
  readonly askedAt: number;
}

/** The answer, given at once; `wallMs` is the server's time in milliseconds since 1970. */
interface ClockReplyFrame {
  readonly type: "clock_reply";
  readonly askedAt: number;
  readonly wallMs: number;
}

/** A server asks the leader to change what the servers agree on; `id` is the asker's own and comes back in the answer. */
export interface ProposeFrame {
  readonly type: "propose";
  readonly id: number;
  readonly proposal: string;
}

/** What became of a proposal: the value that a majority now holds, or why there is none. */
export type ProposedFrame = { readonly type: "proposed"; readonly id: number } & (
  | { readonly ok: true; readonly value: string; readonly stamp: string }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly nextStep: string | null;
    }
);

/** Every frame of the mesh. The first five make a link; the others follow on a link that is made. */
export type Frame =
  | HelloFrame
  | ChallengeFrame
  | ProofFrame
  | { readonly type: "welcome" }
  | { readonly type: "refused" }
  | HeartbeatFrame
  | StatusFrame
  | ReportFrame
  | { readonly type: "observations"; readonly observations: readonly ObservationFrame[] }
  | { readonly type: "election"; readonly message: ElectionMessage }
  | VerdictFrame
  | ProposeFrame
  | ProposedFrame
  | ClockQueryFrame
  | ClockReplyFrame
  | { readonly type: "leave" };

export type FrameType = Frame["type"];
