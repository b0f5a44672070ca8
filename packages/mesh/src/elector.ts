import type { AgreedView } from "./agreed.ts";
import type { ElectorKind, Epoch } from "./core/epoch.ts";
import type { Quorum } from "./core/quorum.ts";

/** What an elector knows at one instant. */
export interface ElectorView {
  /** Voter id of the leader; null when none is known. */
  readonly leader: string | null;
  readonly epoch: Epoch;
  /** What leadership rests on: a majority of the voters, or etcd's word. */
  readonly quorum: Quorum;
  /** Leader: age of the newest proof that it still leads. Others: null. */
  readonly leaseAgeMs: number | null;
  /** The state of the back end in a few words, for people. */
  readonly detail: string;
}

/**
 * How a leader is chosen. The mesh tells everyone what its elector says, whichever back end decides, and asks it before
 * each privileged act.
 */
export interface Elector {
  readonly kind: ElectorKind;
  /** `onChange` is called after each change of what `view` says. @throws MeshError when its files are unusable */
  start(onChange: () => void): Promise<void>;
  view(): ElectorView;
  /** Whether a privileged act may start at this very moment. */
  leaseHeld(): boolean;
  /** What the servers agreed on, as this one knows it; `onChange` tells of its changes too. */
  agreed(): AgreedView;
  /**
   * Replaces what the servers agreed on; of the leader alone, one call at a time. Resolves once it will outlive this leader;
   * it always ends, since a leader that reaches no majority soon leads no more.
   *
   * @param over stamp of the value that it replaces
   * @throws RingRiftError, as a rejection: `AGREED_MOVED` when that is no longer the newest, and nothing was written;
   *   `NO_LEADER` when this server does not lead, and nothing was written; `NOT_AGREED` when the outcome is unknown
   */
  agree(value: string, over: string): Promise<AgreedView>;
  /** Another server told of this epoch. A newer generation of another back end ends this one's leadership. */
  hearEpoch(epoch: Epoch): void;
  /** Hands leadership over, where it has it, and waits a moment for a successor. */
  resign(): Promise<void>;
  stop(): Promise<void>;
}
