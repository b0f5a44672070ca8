import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type {
  LinkState,
  NodeReport,
  NodeRole,
  ServerClock,
  StatusLeadership,
  StatusLink,
  StatusMassFailure,
  StatusMember,
  StatusProof,
  StatusRefusal,
} from "@ringrift/protocol";
import type { AgreedView } from "./agreed.ts";
import type { ElectionTiming } from "./core/election-timing.ts";
import type { ElectorKind } from "./core/epoch.ts";
import type { Elector } from "./elector.ts";
import type { Keyring } from "./keyring.ts";
import type { MeshTls } from "./mesh-tls.ts";
import type { ServerAddress } from "./servers.ts";
import type { Trust } from "./trust.ts";

export type MeshLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** What one node needs to know to take part. */
export interface MeshOptions {
  /** Peers of another cluster are refused. */
  readonly clusterId: string;
  /** Unique in the cluster; a second live process with the same one is refused. */
  readonly nodeId: string;
  readonly role: NodeRole;
  /** The program's version, shown to the others. */
  readonly version: string;
  /** The servers; for a server also the list of voters, itself included. */
  readonly servers: readonly ServerAddress[];
  /** A server's own voter id, one of `servers`; null for an agent. */
  readonly self: string | null;
  /** Directory of the vote and the boot counter; made when missing. */
  readonly dataDir: string;
  /** null, and no TLS either: only peers on loopback are spoken to. */
  readonly keyring: Keyring | null;
  /** Mutual TLS: peers are who their certificates say. */
  readonly tls?: MeshTls | null;
  /** Milliseconds between an agent's heartbeats, 50-60,000. All nodes of a cluster take the same. */
  readonly heartbeatIntervalMs: number;
  /** The times of the servers' own vote, the same on every server; those for one local network when absent. */
  readonly electionTiming?: ElectionTiming;
  /** A server's way to choose the leader; without one the servers vote over the mesh, and a single one leads alone. */
  readonly elector?: Elector;
  /**
   * A server's rule for what the servers agree on: the value that follows from a proposal. The leader alone runs it, on the
   * newest value; it must depend on nothing else. It refuses by throwing a RingRiftError, which reaches the proposer.
   * Without it every proposal is refused.
   */
  readonly applyProposal?: (value: string, proposal: string) => string;
  /** This node's whole report, sent on each connect to a server. */
  readonly fullReport?: () => NodeReport;
  readonly log: MeshLog;
}

/** One member as this node knows it. */
export type MemberView = StatusMember;
/** One open link. */
export type LinkView = StatusLink;
/** A peer that was refused here, or refused this node; what it said of itself is not proven. */
export type RefusedPeer = StatusRefusal;
/** What a node signs with now. */
export type MeshProof = StatusProof;
/** Agents that turned suspect together, and whom this server therefore does not declare down yet. */
export type MassFailureView = StatusMassFailure;
/** How much of the recent time had a leader. */
export type LeadershipView = StatusLeadership;

/**
 * Whether the server that tells reaches a majority of the voters. `held` is `have >= need`, always; who leads is a
 * question of its own: while a leader is being elected a quorum is held and nobody leads.
 */
export interface MeshQuorum {
  /** True once the voters are known. */
  readonly configured: boolean;
  /** True exactly while `have >= need`; false when no voters are configured. */
  readonly held: boolean;
  /**
   * Voters that the server which tells reaches, itself included: a link is open and was heard within three heartbeats.
   * 0 when nobody tells. With etcd: 1 while it answers.
   */
  readonly have: number;
  /** Majority of the configured voters. With etcd: 1. */
  readonly need: number;
  readonly voters: readonly { readonly id: string; readonly reachable: boolean }[];
}

export interface MeshStatus {
  /** Node id of the leader; null when none is known. */
  readonly leaderId: string | null;
  readonly isLeader: boolean;
  readonly term: number;
  /** Fencing token of privileged acts, `generation.term`: it never falls. */
  readonly epoch: string;
  readonly quorum: MeshQuorum;
  /** How leaders are chosen and, on servers, the state of that for people. Agents: null before the first word from a server. */
  readonly elector: { readonly kind: ElectorKind; readonly detail: string } | null;
  /** Agents: age of the newest word from a server, null before the first. Servers: 0. */
  readonly statusAgeSeconds: number | null;
  /** Leader: age of the majority's newest acknowledgement. Others: null. */
  readonly leaseAgeMs: number | null;
  /** What the servers agreed on. Agents: null, they are not told. */
  readonly agreed: AgreedView | null;
  /** How much of the last hour had a leader, as far as this node knew. */
  readonly leadership: LeadershipView;
  /** Servers: the mass failure that is held back now. Null: none, and on agents. */
  readonly massFailure: MassFailureView | null;
  /** How this node proves itself. */
  readonly proof: MeshProof;
  readonly members: readonly MemberView[];
  /** Refused peers by reason, since the start. */
  readonly refused: Readonly<Record<string, number>>;
  /** The newest of them first, at most 20. */
  readonly refusedPeers: readonly RefusedPeer[];
  /** Frames dropped by what they were, since the start. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly links: readonly LinkView[];
  /** Settings in which linked nodes differ and should not, each in a sentence; at most 20. */
  readonly warnings: readonly string[];
}

export type MeshEvent =
  | { readonly type: "member"; readonly member: MemberView; readonly previous: LinkState | null }
  | {
      readonly type: "leader";
      readonly leaderId: string | null;
      readonly previous: string | null;
      readonly term: number;
    }
  | { readonly type: "quorum"; readonly held: boolean; readonly have: number; readonly need: number }
  /** A mass failure is held back from now on, or that of before no more. */
  | {
      readonly type: "mass_failure";
      readonly failure: MassFailureView | null;
      readonly previous: MassFailureView | null;
    }
  /** What the servers agreed on has changed, or is confirmed now, or no more. Comes at the start too, where it was written before. */
  | { readonly type: "agreed"; readonly agreed: AgreedView }
  | { readonly type: "report"; readonly nodeId: string; readonly report: NodeReport };

/** One node's part in the mesh. */
export interface Mesh {
  /** Reads the vote and boot counter, then dials. @throws MeshError when a file is unreadable or corrupt. */
  start(): Promise<void>;
  /** Takes a WebSocket upgrade over from the HTTP server. Refuses it unless this is a running server. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  status(): MeshStatus;
  /** An agent's clock beside those of the servers it has a link to; of a server: none. */
  serverClocks(): readonly ServerClock[];
  /** Sends what changed since the last report to every other server connected; without a link it is left to the next connect. */
  sendReport(delta: NodeReport): void;
  /** Hears what changes from now on. Returns how to stop hearing. A listener that throws is logged and kept. */
  onEvent(listener: (event: MeshEvent) => void): () => void;
  /**
   * Proposes a change of what the servers agree on, on any server: the leader applies it to the newest value. Resolves to
   * the outcome once that will outlive the leader.
   *
   * @throws RingRiftError, as a rejection. Nothing was changed: `NO_LEADER`, `PROPOSALS_FULL`, `NO_PROPOSALS`, `NOT_A_SERVER`,
   *   `AGREED_MOVED`, `AGREED_TOO_LONG`, `BAD_AGREED_VALUE`, `PROPOSAL_REFUSED`, and the code of what `applyProposal` threw.
   *   Outcome unknown, look again: `NOT_AGREED`, at the latest after 5 s
   */
  propose(proposal: string): Promise<AgreedView>;
  /** To be called right before a privileged act. @throws MeshError `NOT_LEADER` unless this node holds the lease now. */
  assertLeader(): void;
  /**
   * Takes new keys and a new certificate for the handshakes from now on; open links stay.
   *
   * @throws MeshError `BAD_MESH_OPTIONS` when they do not fit this node; then nothing is changed
   */
  reload(trust: Trust): void;
  /** Hands leadership over, says goodbye, closes every link and timer. Safe to call twice. */
  stop(): Promise<void>;
}
